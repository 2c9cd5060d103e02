"""decodec demo with the model in the package: every section has its sounds, all of which play in a browser."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from espnet2_decodec.cli import main
from espnet2_decodec.evaluation.report import demo
from espnet2_decodec.evaluation.report.spectrogram import spectrogram


@pytest.fixture(scope="session")
def demo_page(read_page, small_comparison, examples, tmp_path_factory):
    """The page with results and examples of a recipe, and the figure beside it."""
    folder = tmp_path_factory.mktemp("demo")
    options = [
        "--results",
        small_comparison,
        "--examples",
        examples,
        "--figure",
        folder / "figure.png",
        "--device",
        "cpu",
    ]
    assert main(["demo", str(folder / "page"), *map(str, options), "-q"]) == 0
    return read_page(folder / "page" / "index.html")


def players(page, title):
    """Captions and files of the players of a section."""
    text = page.text[page.text.index(f"<h2>{title}</h2>") :].split("</section>")[0]
    captions = re.findall(r"<figcaption><b>(.*?)</b> <span class=\"faint\">(.*?)</span>", text)
    return list(zip(captions, re.findall(r'<audio [^>]*src="([^"]+)"', text), strict=True))


def test_sections_have_their_sounds(demo_page):
    """The model's sections come first, the recipe's results after a notice; audio is as long as its caption says."""
    titles = [e[2] for e in demo_page.all("h2")]
    sections = demo.SEPARATION, demo.CODING, demo.CLEAN_SPEECH, demo.REMIX, demo.CONVERSION, demo.SPEECH_SYNTHESIS
    assert titles[:6] == [*sections]
    assert titles[6:] == ["Speech", "Background", "Mixture", "Recordings", "Voice conversion", "Metrics"]
    notice = demo_page.all("p", **{"class": "notice"})
    assert len(notice) == 1 and "a few minutes" in notice[0][2]
    at = demo_page.elements.index(notice[0])
    order = [i for i, e in enumerate(demo_page.elements) if e[0] == "h2"]
    assert order[5] < at < order[6]
    assert len(demo_page.all("input", id="together")) == 1
    labels = [label for (label, _), _ in players(demo_page, demo.CODING)[:6]]
    assert labels == [
        *("mixture, 8 kbit/s", "speech, 5 kbit/s", "background, 3 kbit/s"),
        *("mixture, 2.5 kbit/s", "speech, 1.5 kbit/s", "background, 1 kbit/s"),
    ]
    assert [len(players(demo_page, title)) for title in titles[:6]] == [18, 12, 14, 6, 6, 6]
    for title in titles[:6]:
        for (_, note), file in players(demo_page, title):
            wav, rate = soundfile.read(demo_page.folder / file)
            assert rate == 16000 and note.startswith(f"{len(wav) / rate:.1f} s") and np.abs(wav).max() > 0.01


def test_separated_stems_are_closer_to_the_references(demo_page):
    """By more than 5 dB of SI-SDR for the speech, and their sum is the mixture."""
    sounds = {}
    for (label, note), file in players(demo_page, demo.SEPARATION):
        sounds.setdefault(label, []).append((note, soundfile.read(demo_page.folder / file)[0]))
    for note, _ in sounds["separated speech"]:
        after, before = (float(x.replace("\N{MINUS SIGN}", "-")) for x in re.findall(r"([\d.\u2212]+) dB", note))
        assert after > before + 5
    for (_, mixture), (_, total) in zip(sounds["mixture"], sounds["separated speech + background"]):
        assert np.abs(mixture - total).max() < 0.01


def test_figure(demo_page):
    """It is small enough for the repository."""
    figure = demo_page.folder.parent / "figure.png"
    assert figure.stat().st_size < 300_000 and Image.open(figure).width > 900


def test_all_sounds_play(demo_page, chromium):
    """Each is loaded and its time advances; there are no errors and no requests to the network."""
    chromium.problems.clear()
    chromium.open(demo_page.path.as_uri())
    script = """(async () => {
        for (const details of document.querySelectorAll('details')) details.open = true;
        const silent = [];
        for (const audio of document.querySelectorAll('audio')) {
            const advanced = new Promise((done) => {
                audio.addEventListener('timeupdate', () => { if (audio.currentTime > 0) done(true); });
                audio.addEventListener('error', () => done(false));
                setTimeout(() => done(false), 5000);
            });
            audio.play().catch(() => {});
            if (!await advanced || Math.abs(audio.duration - audio.dataset.seconds) > 0.01) silent.push(audio.src);
            audio.pause();
        }
        return silent;
    })()"""
    chromium.seconds, seconds = 300, chromium.seconds
    assert chromium.run(script) == []
    chromium.seconds = seconds
    assert not chromium.problems


def test_an_existing_page_needs_force(demo_page, capsys):
    """One line on stderr, and the page stays as it is."""
    before = demo_page.path.read_bytes()
    assert main(["demo", str(demo_page.folder)]) == 1
    assert "add --force" in capsys.readouterr().err and demo_page.path.read_bytes() == before


def test_recordings_are_found_in_a_clone_only(monkeypatch, tmp_path):
    """In the source tree or the working directory; the error tells what to do."""
    assert (demo.find_recordings() / "asterisk_en").is_dir()
    monkeypatch.setattr(demo, "__file__", str(tmp_path / "a" / "b" / "c" / "demo.py"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="in a clone of the repository"):
        demo.find_recordings()
    (tmp_path / "local" / "mini" / "audio").mkdir(parents=True)
    assert demo.find_recordings() == Path.cwd() / "local" / "mini" / "audio"


def test_mixtures_have_their_snr():
    """And do not clip; the stems sum to the mixture."""
    for item in demo.make_mixtures(demo.find_recordings(), 16000):
        speech, background = (float(x.square().mean()) for x in (item.speech, item.background))
        assert abs(10 * np.log10(speech / background) - item.snr) < 0.1
        assert float(item.mixture.abs().max()) < 1 and (item.mixture - item.speech - item.background).abs().max() < 1e-6
        assert np.isfinite(spectrogram(item.mixture.numpy())).all()
