"""Progress of long work in a log, where there is no terminal."""

import sys
import time

from tqdm import tqdm

from espnet2_decodec import progress


def test_a_log_gets_whole_lines(monkeypatch, capsys):
    monkeypatch.setattr(progress, "FIRST_LINE", 0.0)
    monkeypatch.setattr(progress, "MAX_INTERVAL", 0.0)
    assert list(progress.progress(range(3), desc="tokens")) == [0, 1, 2]
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("tokens: 0 % (0 of 3 files)") and lines[-1].startswith("tokens: 100 % (3 of 3 files)")


def test_short_work_writes_nothing(capsys):
    with progress.progress(desc="tokens", total=2) as bar:
        bar.update(2)
    assert capsys.readouterr().err == ""


def test_a_message_is_one_line(capsys):
    for _ in progress.progress(range(2), desc="tokens"):
        tqdm.write("message", file=sys.stderr)
    assert capsys.readouterr().err == "message\nmessage\n"


def test_lines_count_all_items_while_their_interval_grows(monkeypatch, capsys):
    monkeypatch.setattr(progress, "FIRST_LINE", 0.0)
    monkeypatch.setattr(progress, "MAX_INTERVAL", 0.02)
    for _ in progress.progress(range(40), desc="tokens"):
        time.sleep(0.002)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) < 40 and lines[-1].startswith("tokens: 100 % (40 of 40 files)") and "?" not in lines[-1]
