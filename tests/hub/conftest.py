"""A local stand-in of the Hugging Face Hub, with which the real client talks; its cache is empty at first."""

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("huggingface_hub")
import huggingface_hub.constants as constants

BRANCH = "main"


class Repositories:
    """Files of each repository and revision: {name: {revision: {path: bytes}}}, and what the server should do.

    Attributes:
        files: of the repositories.
        status: status code of every answer; None for the right one.
        page: content of every answer; None for the right one.
        cut: bytes after which the content of a file ends; None for all.
        requests: method and path of each request.
        commits: the headers of the commits.
    """

    page: bytes | None = None

    def __init__(self):
        self.files: dict[str, dict[str, dict[str, bytes]]] = {}
        self.status: int | None = None
        self.cut: int | None = None
        self.requests: list[str] = []
        self.commits: list[dict] = []

    def commit_id(self, name: str, revision: str) -> str | None:
        """The id of a branch, or an id itself; None if there is none."""
        for branch, files in self.files.get(name, {}).items():
            content = repr(sorted(files.items())).encode()
            if revision in (branch, hashlib.sha1(content).hexdigest()):
                return hashlib.sha1(content).hexdigest()
        return None

    def at(self, name: str, revision: str) -> dict[str, bytes]:
        """Files of a repository at a branch or an id."""
        commit = self.commit_id(name, revision)
        return next(f for branch, f in self.files[name].items() if self.commit_id(name, branch) == commit)


class Handler(BaseHTTPRequestHandler):
    """The few routes that downloads and uploads of small files need."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Keep quiet."""

    def answer(self, status, content=b"", headers=None):
        """Send an answer; content that is no bytes as JSON."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle_request(self):
        """Answer one request."""
        hub: Repositories = self.server.hub
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0]
        hub.requests.append(f"{self.command} {path}")
        if hub.page is not None:
            return self.answer(200, hub.page, {"Content-Type": "text/html"})
        if hub.status is not None:
            return self.answer(hub.status, {"error": "no"}, {"X-Error-Message": "no"})
        parts = path.strip("/").split("/")
        if parts[:3] == ["api", "repos", "create"]:
            wanted = json.loads(body)
            name = "/".join(filter(None, (wanted.get("organization"), wanted["name"])))
            hub.files.setdefault(name if "/" in name else f"owner/{name}", {BRANCH: {}})
            return self.answer(200, {"url": f"https://huggingface.co/{name}", "name": name, "id": name})
        if parts == ["api", "validate-yaml"]:
            return self.answer(200, {"errors": [], "warnings": []})
        name = "/".join(parts[2:4] if parts[0] == "api" else parts[0:2])
        if name not in hub.files:
            return self.answer(404, {"error": "no"}, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "no"})
        if parts[0] == "api":
            return self.api(hub, name, parts[4:], body)
        return self.file(hub, name, parts[3], "/".join(parts[4:]))

    do_GET = do_POST = do_HEAD = handle_request

    def api(self, hub, name, parts, body):
        """Answer a request for the contents or the change of a repository."""
        route, revision = (parts + ["", ""])[0], "/".join(parts[1:]) or BRANCH
        if route == "preupload":
            files = [{"path": file["path"], "uploadMode": "regular", "shouldIgnore": False} for file in
                     json.loads(body)["files"]]  # fmt: skip
            return self.answer(200, {"files": files})
        if route == "branch":
            hub.files[name].setdefault(revision, dict(hub.files[name][BRANCH]))
            return self.answer(200, {})
        if route == "commit":
            return self.commit(hub, name, revision, [json.loads(line) for line in body.splitlines()])
        commit = hub.commit_id(name, revision)
        if commit is None:
            return self.answer(404, {"error": "no"}, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "no"})
        files = hub.at(name, revision)
        if route == "tree":
            return self.answer(200, [
                {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for path, content in files.items()
            ])  # fmt: skip
        return self.answer(200, {"id": name, "sha": commit, "siblings": [{"rfilename": path} for path in files]})

    def commit(self, hub, name, revision, lines):
        """Change files."""
        files = hub.files[name][revision]
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                hub.commits.append(value)
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        url = f"https://huggingface.co/{name}/commit/{hub.commit_id(name, revision)}"
        self.answer(200, {"commitUrl": url, "commitOid": hub.commit_id(name, revision), "pullRequestUrl": None})

    def file(self, hub, name, revision, path):
        """Answer a request for a file."""
        commit = hub.commit_id(name, revision)
        files = {} if commit is None else hub.at(name, revision)
        if path not in files:
            return self.answer(404, {"error": "no"}, {"X-Error-Code": "EntryNotFound", "X-Error-Message": "no"})
        content = files[path]
        headers = {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": commit}
        if self.command == "GET" and hub.cut is not None:
            self.send_response(200)
            for key, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(content[: hub.cut])
            self.close_connection = True
            return None
        return self.answer(200, content, headers)


@pytest.fixture
def hub(tmp_path, monkeypatch, use_endpoint):
    """The stand-in: `Repositories`, with the attribute `address`."""
    repositories = Repositories()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.hub = repositories
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    use_endpoint(f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", "hf_0123456789")
    yield repositories
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def use_endpoint(monkeypatch):
    """A function that sends the requests of the client to another address."""

    def use(address):
        monkeypatch.setattr(constants, "ENDPOINT", address)
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.split("/{repo_id}")[1]
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}" + template)

    return use


@pytest.fixture
def model_files(model):
    """The files of a tiny model."""
    return {path.name: path.read_bytes() for path in model.iterdir()}
