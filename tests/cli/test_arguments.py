"""Arguments that are refused in one line, before anything is done."""

import pytest

from espnet2_decodec.cli import main


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["encode", "a.wav", "-o", "a.dcd", "--spech-levels", "3"], "did you mean --speech-levels; see decodec encode"),
        (
            ["recipe", "tokenize", "--scp", "s", "--out", "o", "--modle", "m"],
            "did you mean --model; see decodec recipe",
        ),
        (["info", "--zzz"], "unrecognized arguments: --zzz; see decodec info --help"),
    ],
)
def test_unknown_options_name_the_nearest_one(capsys, arguments, message):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    lines = capsys.readouterr().err.splitlines()
    assert end.value.code == 2 and len(lines) == 1 and message in lines[0]


def test_empty_names_are_refused(run, make_wav, tmp_path, monkeypatch):
    """As of a shell variable that is not set: not the current folder."""
    monkeypatch.chdir(tmp_path)
    wav = make_wav("a.wav")
    for arguments in (["encode", "", "-o", "a.dcd"], ["encode", wav, "-o", ""], ["separate", wav, "-o", ""]):
        code, _, lines = run(*arguments)
        assert code == 1 and len(lines) == 1 and "is empty" in lines[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav"]
