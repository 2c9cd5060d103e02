"""Model folders on the Hugging Face Hub: download into its cache, and upload. The network is used here only."""

import re
from pathlib import Path

from espnet2_decodec import __version__
from espnet2_decodec.extras import require

FILES = ("config.json", "model*.safetensors", "README.md")
"""Patterns of the files of a model folder that are downloaded; nothing else in a repository is read."""

_OFFLINE = "HF_HUB_OFFLINE forbids the use of the network"
_NAME = re.compile(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*?)(?:@([\w./-]+))?")


def parse_name(text: str) -> tuple[str, str | None] | None:
    """Return owner/name and the revision of a text such as `owner/name` or `owner/name@v1`; None if it is neither."""
    match = _NAME.fullmatch(text)
    return None if match is None else (match[1], match[2])


def download(name: str, revision: str | None = None) -> Path:
    """Return the folder of a model of the Hub, in the cache of huggingface_hub, which is used when there is no network.

    With the environment variable HF_HUB_OFFLINE=1 the network is not used at all.

    Args:
        name: owner/name.
        revision: branch, tag or commit; None for the main branch.

    Raises:
        ImportError: if huggingface_hub is not installed.
        FileNotFoundError: if the model or the revision does not exist, or is neither cached nor reachable.
        ConnectionError: if the download fails otherwise.
        ValueError: if the name or the revision is not valid.
    """
    require("hub", f"The model {name} of the Hugging Face Hub", "huggingface_hub")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = snapshot_download(
            name,
            revision=revision,
            allow_patterns=list(FILES),
            library_name="espnet2_decodec",
            library_version=__version__,
        )
    except HFValidationError as error:
        raise ValueError(f"{name!r} is no name of a model on the Hugging Face Hub: {_first_line(error)}.") from None
    except LocalEntryNotFoundError as error:
        cause = error.__cause__
        if isinstance(cause, Exception) and getattr(cause, "response", None) is not None:
            raise _failure(f"The model {name}", revision, cause, "downloaded") from error
        version = "" if revision is None else f" at {revision}"
        raise FileNotFoundError(f"The model {name}{version} is not in the cache, and {_unreachable(error)}.") from None
    except Exception as error:  # the client raises errors of its own, of its HTTP library and of its file transfer
        raise _failure(f"The model {name}", revision, error, "downloaded") from error
    return Path(folder)


def upload(
    folder: Path, name: str, message: str, revision: str | None = None, private: bool = False, token: str | None = None
) -> str:
    """Upload a model folder, create its repository if there is none, and return the address of the commit.

    Weights of earlier uploads that the folder does not have are deleted in the same commit.

    Args:
        folder: of the model; all its files are uploaded.
        name: owner/name.
        message: of the commit.
        revision: branch; None for the main branch.
        private: whether a new repository can be seen by its owner only.
        token: of the account; None for the one that `hf auth login` stored, or that of HF_TOKEN.

    Raises:
        ImportError: if huggingface_hub is not installed.
        PermissionError: if the account may not write there, or there is none.
        ConnectionError: if the upload fails otherwise.
        ValueError: if the name is not valid.
    """
    require("hub", "An upload to the Hugging Face Hub", "huggingface_hub")
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError

    if parse_name(name) is None or "@" in name:
        raise ValueError(f"{name!r} is no name of a model on the Hugging Face Hub: it is owner/name.")
    try:
        api = HfApi(token=token, library_name="espnet2_decodec", library_version=__version__)
        api.create_repo(name, private=private, exist_ok=True)
        if revision is not None:
            api.create_branch(name, branch=revision, exist_ok=True)
        commit = api.upload_folder(
            repo_id=name,
            folder_path=str(folder),
            commit_message=message,
            revision=revision,
            delete_patterns=["model*.safetensors"],
        )
    except HFValidationError as error:
        raise ValueError(f"{name!r} is no name of a model on the Hugging Face Hub: {_first_line(error)}.") from None
    except Exception as error:  # as in `download`
        raise _failure(f"The model {name}", revision, error, "uploaded") from error
    return str(commit.commit_url)


def _failure(model: str, revision: str | None, error: Exception, verb: str) -> OSError:
    """Return an error of one line for one of the client."""
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, RevisionNotFoundError):
        return FileNotFoundError(f"{model} of the Hugging Face Hub has no revision {revision}.")
    if isinstance(error, GatedRepoError):
        return PermissionError(f"{model} is gated: accept its terms on its page, and log in with `hf auth login`.")
    status = getattr(getattr(error, "response", None), "status_code", None)
    if verb == "uploaded" and (status in (401, 403) or type(error).__name__ == "LocalTokenNotFoundError"):
        return PermissionError(
            f"{model} was not uploaded: a token that may write there is needed (`hf auth login`, or HF_TOKEN)."
        )
    if isinstance(error, RepositoryNotFoundError) or status in (401, 403):
        return FileNotFoundError(
            f"{model} is not on the Hugging Face Hub, or is private: then `hf auth login`, or set HF_TOKEN."
        )
    if isinstance(error, OSError) and error.errno is not None:
        where = f"{error.filename}: " if error.filename else ""
        return OSError(f"{model} was not {verb}: {where}{error.strerror}.")
    if isinstance(error, HfHubHTTPError) and status is not None:
        return ConnectionError(f"{model} was not {verb}: the Hugging Face Hub answered with status {status}.")
    cause = _OFFLINE if constants.HF_HUB_OFFLINE else _first_line(error)
    if isinstance(error, ValueError) and not constants.HF_HUB_OFFLINE:
        cause = f"the answer is not one of the Hugging Face Hub ({cause})"
    return ConnectionError(f"{model} was not {verb}: {cause}.")


def _unreachable(error: Exception) -> str:
    """Return a clause: why there is no connection to the Hub."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return _OFFLINE
    cause = error.__cause__ or error
    return f"the Hugging Face Hub cannot be reached ({_first_line(cause)})"


def _first_line(error: BaseException) -> str:
    """Return the first line of a message without its full stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
