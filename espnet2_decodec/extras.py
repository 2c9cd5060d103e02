"""Optional packages, which the extras of setup.py install."""

from importlib.util import find_spec


def require(extra: str, purpose: str, *packages: str) -> None:
    """Check that optional packages are installed.

    Args:
        extra: the extra of setup.py that installs them.
        purpose: what needs them, the subject of the message.
        packages: names by which they are imported.

    Raises:
        ImportError: if one is not; the message has the command that installs it.
    """
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise ImportError(f"{purpose} needs {', '.join(missing)}: pip install 'espnet2_decodec[{extra}]'.")
