"""The served page: what it refuses by HTTP, and what a person does on it in a real browser. Needs Gradio."""

import json
import socket
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest
import soundfile

gradio = pytest.importorskip("gradio")

from espnet2_decodec.app.actions import Actions  # noqa: E402
from espnet2_decodec.app.environment import prepare_environment  # noqa: E402
from espnet2_decodec.app.files import TemporaryFiles  # noqa: E402
from espnet2_decodec.app.page import build_page  # noqa: E402
from espnet2_decodec.app.server import serve  # noqa: E402

MAX_MEGABYTES = 0.5


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def served(vocoder_codec, tmp_path_factory):
    """Address and folder of a served page, and the addresses beyond this machine that were asked for meanwhile."""
    connect, foreign = socket.socket.connect, []

    def watched(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            foreign.append(address)
        return connect(self, address)

    root, patch = tmp_path_factory.mktemp("root"), pytest.MonkeyPatch()
    for name in ("GRADIO_TEMP_DIR", "GRADIO_EXAMPLES_CACHE", "NO_PROXY", "no_proxy"):
        patch.setenv(name, "")
    patch.setattr(socket.socket, "connect", watched)
    prepare_environment(root)
    page = build_page(Actions(vocoder_codec, TemporaryFiles(root), 3), "A title")
    with serve(page, "127.0.0.1", free_port(), MAX_MEGABYTES) as address:
        yield SimpleNamespace(address=address.rstrip("/"), root=root, foreign=foreign)
    patch.undo()


def status(address: str, **options) -> int:
    """Status of a request."""
    try:
        return urllib.request.urlopen(urllib.request.Request(address, **options), timeout=20).status
    except urllib.error.HTTPError as refused:
        return refused.code


def test_only_the_page_and_uploads_are_served(served, tmp_path):
    private, beside = tmp_path / "private.txt", Path(tempfile.gettempdir())
    private.write_text("private")
    own = served.root / "results-x" / "a.wav"
    own.parent.mkdir()
    own.write_bytes(b"RIFF")
    assert status(served.address) == status(f"{served.address}/gradio_api/file={own}") == 200
    files = (
        "/etc/passwd",
        private,
        f"/{private}",
        f"{served.root}/../../../etc/passwd",
        Path.cwd() / "setup.py",
        beside,
    )
    for file in files:
        assert status(f"{served.address}/gradio_api/file={file}") == 403, file
    for route in (
        f"/file={private}", "/gradio_api/file=setup.py", "/gradio_api/file=http://127.0.0.1/",
        "/gradio_api/file/etc/passwd", "/gradio_api/proxy=http://127.0.0.1/", "/gradio_api/run/predict", "/monitoring",
        "/gradio_api/openapi.json", "/docs", "/openapi.json", "/gradio_api/process_recording", "/gradio_api/vibe-code",
    ):  # fmt: skip
        assert status(served.address + route) == 404, route
    for route in ("/static/../../../../../../../etc/passwd", "/assets/..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc/passwd"):
        assert status(served.address + route) in (403, 404), route
    assert status(served.address, headers={"Host": "another.example"}) == 400


def join(address: str, path: str, session: str) -> int:
    """Status of a request for the separation of a file."""
    config = json.load(urllib.request.urlopen(f"{address}/config"))
    event = next(dependency["id"] for dependency in config["dependencies"] if len(dependency["inputs"]) == 4)
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    body = {"data": [file, 4, 2, False], "session_hash": session, "fn_index": event}
    headers = {"Content-Type": "application/json"}
    return status(f"{address}/gradio_api/queue/join", data=json.dumps(body).encode(), headers=headers)


@pytest.mark.parametrize("path", ["http://127.0.0.1:9/a.wav", " HTTPS://example.org/a.wav", "file:///etc/passwd"])
def test_addresses_are_not_downloaded(served, path):
    assert join(served.address, path, "s") == 400 and not served.foreign


@pytest.mark.parametrize("path", ["/etc/passwd", "private"])
def test_forged_uploads_are_refused(served, upload_elsewhere, path):
    """A request that names a file of the server as if it had been uploaded fails before anything is read."""
    path, session = (upload_elsewhere if path == "private" else path), f"s{abs(hash(path))}"
    before = sorted(served.root.rglob("*"))
    assert join(served.address, path, session) == 200
    events = urllib.request.urlopen(f"{served.address}/gradio_api/queue/data?session_hash={session}", timeout=60)
    last = next(json.loads(line[6:]) for line in events if b"process_completed" in line)
    assert last["success"] is False and sorted(served.root.rglob("*")) == before


@pytest.fixture
def upload_elsewhere(write_noise, tmp_path):
    """A recording outside the folder of uploads."""
    return write_noise(tmp_path / "private.wav")


def test_large_uploads_are_refused(served):
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.wav"\r\n\r\n'
    body = head + bytes(int(MAX_MEGABYTES * 2**20) + 1) + b"\r\n--x--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert status(f"{served.address}/gradio_api/upload", data=body, headers=headers) == 413
    assert not list(served.root.rglob("a.wav.*"))


def test_a_port_that_is_taken_is_named(served):
    with gradio.Blocks(analytics_enabled=False) as page:
        pass
    with pytest.raises(OSError, match="choose another --port"):
        with serve(page, "127.0.0.1", int(served.address.rpartition(":")[2]), 1):
            pass


FIELD = "document.querySelector('#recording input[type=file]')"


def line(name: str) -> str:
    """Script for the text of a status."""
    return f"(document.querySelector('#{name} textarea') || document.querySelector('#{name} input'))?.value"


@pytest.fixture
def browser(chromium, served):
    """The page in a browser; afterwards nothing but the page's own server must have been asked for."""
    allowed, chromium.allowed = chromium.allowed, (*chromium.allowed, served.address, f"blob:{served.address}")
    chromium.problems.clear()
    chromium.open(f"{served.address}/")
    chromium.wait(f"!!{FIELD}")
    yield chromium
    asked = [problem for problem in chromium.problems if problem.startswith("It asked for")]
    chromium.open("about:blank")
    chromium.allowed = allowed
    chromium.problems.clear()
    assert not asked and not served.foreign


def test_a_person_separates_remixes_and_converts(browser, write_noise, tmp_path, served):
    wav = write_noise(tmp_path / "mine.wav")
    browser.choose_file("#recording input[type=file]", wav)
    assert browser.wait(line("status")).startswith("1.0 s; SNR")
    links = browser.wait("""(() => {
        const links = [...document.querySelectorAll('a[href*="file="]')].map((link) => link.href);
        return links.some((link) => link.endsWith('.dcd')) && links;
    })()""")
    for name in ("mine.speech.wav", "mine.background.wav", "mine.dcd"):
        (address,) = {link for link in links if link.endswith(name)}
        content = urllib.request.urlopen(address).read()
        assert content == next(served.root.glob(f"results-*/{name}")).read_bytes()
    assert "kbit/s" in browser.run("document.querySelector('#rates').innerText")
    assert browser.wait("document.querySelector('#spectrograms img')?.naturalWidth") > 500
    browser.run("""(() => {
        const slider = document.querySelector('#snr input[type=range]');
        slider.value = -5;
        for (const event of ['input', 'change']) slider.dispatchEvent(new Event(event, {bubbles: true}));
        slider.dispatchEvent(new PointerEvent('pointerup', {bubbles: true}));
    })()""")
    assert browser.wait(line("remix-status")) == "Speech over its background at -5 dB SNR."
    browser.run("document.querySelector('#convert').click()")
    assert browser.wait(line("convert-status")).startswith("Error: There is no second recording")
    browser.choose_file("#reference input[type=file]", write_noise(tmp_path / "voice.wav"))
    browser.wait("!!document.querySelector('#reference button[aria-label=Clear]')")
    browser.run("document.querySelector('#convert').click()")
    wanted = "mine.wav in the voice of voice.wav, by knn_shift without a voice model."
    assert browser.wait(f"{line('convert-status')} === '{wanted}'")
    (converted,) = served.root.glob("results-*/mine.converted.wav")
    assert soundfile.info(converted).frames == 16000


@pytest.mark.parametrize(
    "name, seconds, message",
    [
        ("bad.wav", 0, "Error: bad.wav is an empty file."),
        ("long.wav", 4, "Error: long.wav is longer than 3 s"),
        ("silent.wav", 1, "1.0 s; there is no speech and no background in this recording."),
    ],
)
def test_problems_are_one_line_on_the_page(browser, write_noise, tmp_path, name, seconds, message):
    path = write_noise(tmp_path / name, seconds, level=0.0)
    if not seconds:
        Path(path).write_bytes(b"")
    browser.choose_file("#recording input[type=file]", path)
    assert browser.wait(line("status")).startswith(message)


def test_a_cleared_recording_leaves_no_results(browser, write_noise, tmp_path):
    browser.choose_file("#recording input[type=file]", write_noise(tmp_path / "mine.wav"))
    browser.wait(line("status"))
    browser.run("document.querySelector('#recording button[aria-label=Clear]').click()")
    browser.wait(f"!{line('status')} && !document.querySelector('#speech audio, #speech #waveform')")
