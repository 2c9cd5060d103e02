"""Downloads from a local server: resumed, verified, unpacked, and refused in one line."""

import hashlib
import io
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from local import archives, download
from local.archives import Archive


class Handler(BaseHTTPRequestHandler):
    """Serves `server.files`, with ranges unless `server.ranges` is false; cuts the answers off after `server.cuts`."""

    def do_GET(self):
        server = self.server
        server.requests.append((self.path, self.headers.get("Range")))
        content = server.files.get(self.path.rpartition("/")[2])
        if server.errors or content is None:
            self.send_error(server.errors.pop() if server.errors else 404)
            return
        start = 0
        if server.ranges and self.headers.get("Range"):
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : start + (server.cuts.pop() if server.cuts else len(content))])

    def log_message(self, *_):
        """Print nothing."""


@pytest.fixture
def server():
    """A server on a free port."""
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.files, made.requests, made.ranges, made.cuts, made.errors = {}, [], True, [], []
    made.url = f"http://127.0.0.1:{made.server_port}/corpora"
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


CONTENT = bytes(range(256)) * 40


def fetch(server, path, name="x.tar.gz"):
    waits = []
    download.fetch(f"{server.url}/{name}", path, waits.append)
    return waits


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_was_cut_off_is_continued(server, tmp_path, ranges):
    server.files["x.tar.gz"], server.cuts, server.ranges = CONTENT, [4000, 3000], ranges
    assert fetch(server, tmp_path / "x.tar.gz") == [2.0, 4.0]
    assert (tmp_path / "x.tar.gz").read_bytes() == CONTENT
    asked = [wanted for _, wanted in server.requests]
    assert asked == ([None, "bytes=3000-", "bytes=7000-"] if ranges else [None, "bytes=3000-", "bytes=4000-"])
    assert [path.name for path in tmp_path.iterdir()] == ["x.tar.gz"]
    fetch(server, tmp_path / "x.tar.gz")
    assert len(server.requests) == 3


def test_a_later_run_continues_and_a_complete_part_is_taken(server, tmp_path):
    server.files["x.tar.gz"], server.cuts = CONTENT, [1000] * download.TRIES
    with pytest.raises(ValueError, match="x.tar.gz cannot be downloaded after 5 tries: .* 0.0 MB are kept"):
        fetch(server, tmp_path / "x.tar.gz")
    assert (tmp_path / "x.tar.gz.part").stat().st_size == 5000 and not (tmp_path / "x.tar.gz").exists()
    assert fetch(server, tmp_path / "x.tar.gz") == []
    assert (tmp_path / "x.tar.gz").read_bytes() == CONTENT
    (tmp_path / "x.tar.gz").rename(tmp_path / "x.tar.gz.part")
    assert fetch(server, tmp_path / "x.tar.gz") == []
    assert (tmp_path / "x.tar.gz").read_bytes() == CONTENT
    (tmp_path / "y.part").write_bytes(CONTENT * 2)  # of another file
    server.files["y"] = CONTENT
    fetch(server, tmp_path / "y", "y")
    assert (tmp_path / "y").read_bytes() == CONTENT


def test_errors_of_the_server(server, tmp_path):
    with pytest.raises(ValueError, match=r"corpora/x.tar.gz cannot be downloaded: 404 Not Found\."):
        fetch(server, tmp_path / "x.tar.gz")
    server.files["x.tar.gz"], server.errors = CONTENT, [503]
    assert fetch(server, tmp_path / "x.tar.gz") == [2.0]
    with pytest.raises(ValueError, match="after 5 tries"):
        download.fetch("http://127.0.0.1:9/none", tmp_path / "none", lambda seconds: None)


def packed(kind, name, content=b"hello"):
    """A tar.gz or zip file with one member."""
    file = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=file, mode="w:gz") as archive:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


@pytest.fixture
def corpora(server, monkeypatch):
    """A corpus of two parts with checksums, and one without."""
    server.files["dev.tar.gz"], server.files["test.zip"] = packed("tar", "Speech/dev/a"), packed("zip", "Speech/test/b")
    server.files["noise.zip"] = packed("zip", "Noise/c")
    parts = [
        Archive(f"https://example.org/{name}", name.partition(".")[0], hashlib.md5(server.files[name]).hexdigest())
        for name in ("dev.tar.gz", "test.zip")
    ]
    monkeypatch.setitem(archives.ARCHIVES, "speech", parts)
    monkeypatch.setitem(archives.ARCHIVES, "noise", [Archive("https://example.org/noise.zip")])


def run(server, folder, *words):
    download.main([*words, "--to", str(folder), "--mirror", server.url])


def test_corpora_are_verified_unpacked_and_not_fetched_again(server, corpora, tmp_path, capsys):
    run(server, tmp_path, "speech", "noise")
    assert {path.read_bytes() for path in tmp_path.glob("*/*/**/[abc]")} == {b"hello"}
    printed = capsys.readouterr().out
    assert f"SPEECH={tmp_path}/speech\n" in printed and "no checksum of noise.zip is published" in printed
    assert not list(tmp_path.glob("*/[!.]*.zip")) and not list(tmp_path.glob("*/*.part"))
    run(server, tmp_path, "speech", "noise")
    assert len(server.requests) == 3
    run(server, tmp_path / "other", "speech:dev")
    assert len(server.requests) == 4 and not (tmp_path / "other" / "speech" / "Speech" / "test").exists()


def test_another_content_is_refused_and_removed(server, corpora, tmp_path):
    server.files["dev.tar.gz"] += b"more"
    with pytest.raises(ValueError, match="dev.tar.gz had the MD5 .* in place of .*, and was removed: run again"):
        run(server, tmp_path, "speech")
    run(server, tmp_path, "noise")
    (tmp_path / "noise" / ".unpacked-noise.zip").unlink()
    server.files["noise.zip"] = packed("zip", "Noise/c", b"changed")
    with pytest.raises(ValueError, match="noise.zip had the SHA256 .* in place of"):
        run(server, tmp_path, "noise")
    assert not list(tmp_path.glob("*/*.gz")) and not list(tmp_path.glob("*/[!.]*.zip"))


def test_damaged_and_dangerous_archives_are_refused(tmp_path):
    (tmp_path / "x.tar.gz").write_bytes(packed("tar", "a", bytes(range(256)) * 99)[:-40])
    with pytest.raises(ValueError, match="x.tar.gz cannot be unpacked"):
        download.unpack(tmp_path / "x.tar.gz", tmp_path / "out")
    (tmp_path / "y.tar.gz").write_bytes(packed("tar", "../outside"))
    with pytest.raises(ValueError, match="y.tar.gz cannot be unpacked"):
        download.unpack(tmp_path / "y.tar.gz", tmp_path / "out")
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("wham", "wham cannot be downloaded here: follow http://wham.whisper.ai, and set WHAM in db.sh"),
        ("musn", "no corpus 'musn' to download. Did you mean musan"),
        ("libritts:dev", "libritts has no part 'dev'"),
    ],
)
def test_wrong_names(tmp_path, word, message):
    with pytest.raises(ValueError, match=message):
        download.main([word, "--to", str(tmp_path)])


def test_published_checksums_are_md5_sums():
    known = [archive.checksum for found in archives.ARCHIVES.values() for archive in found if archive.checksum]
    assert len(known) == len(set(known)) == 17 and all(len(value) == 32 and int(value, 16) for value in known)
