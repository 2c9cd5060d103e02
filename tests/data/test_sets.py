"""Sets as tokens and back: results equal the codec's, and a second run does nothing."""

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec.cli import main
from espnet2_decodec.cli.recipe import run_step
from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.codec_options import CodecOptions
from espnet2_decodec.data.kaldi import read_table, write_table
from espnet2_decodec.data.resynthesize import resynthesize
from espnet2_decodec.io.audio import read


@pytest.fixture(scope="module")
def scp(tmp_path_factory):
    """Three recordings, one of them stereo at 8 kHz."""
    folder, rng = tmp_path_factory.mktemp("wavs"), np.random.default_rng(0)
    shapes = {"a-1": ((1000,), 16000), "a-2": ((4321,), 16000), "b-1": ((2000, 2), 8000)}
    for key, (shape, rate) in shapes.items():
        soundfile.write(folder / f"{key}.wav", 0.1 * rng.normal(size=shape), rate)
    write_table(folder / "wav.scp", {key: folder / f"{key}.wav" for key in shapes})
    return folder / "wav.scp"


def test_tokens_and_back(model, scp, tmp_path, capsys):
    codec = DeCodec.from_pretrained(model)
    common = ["--model", str(model)]
    run_step("tokenize", [*common, "--scp", str(scp), "--out", str(tmp_path / "tokens")])
    speech, background = (read_table(tmp_path / "tokens" / f"codes_{s}.scp") for s in ("speech", "background"))
    assert read_table(tmp_path / "tokens" / "utt2num_samples") == {"a-1": "1000", "a-2": "4321", "b-1": "4000"}
    for streams, decoded_streams in (("speech", (True, False)), ("background", (False, True)), ("both", (True, True))):
        out = tmp_path / "wavs"
        run_step(
            "resynthesize", [*common, "--tokens", str(tmp_path / "tokens"), "--out", str(out), "--streams", streams]
        )
        decoded = read_table(out / f"{streams}.scp")
        for key, path in read_table(scp).items():
            codes = codec.encode(read(path, 16000)[None])
            assert (
                np.array_equal(np.load(speech[key]), codes.speech[0].T.numpy())
                and np.load(speech[key]).dtype == np.int16
            )
            assert np.array_equal(np.load(background[key]), codes.background[0].T.numpy())
            wav = codec.decode(codes, *decoded_streams)[0].clamp(-1, 1)
            torch.testing.assert_close(read(decoded[key], 16000), wav, atol=1e-4, rtol=0)
    capsys.readouterr()
    run_step("tokenize", [*common, "--scp", str(scp), "--out", str(tmp_path / "tokens")])
    assert capsys.readouterr().out.startswith("0 recordings")


def test_an_unfinished_run_is_finished(model, scp, tmp_path, capsys):
    arguments = f"--model {model} --scp {scp} --out {tmp_path} --speech_levels 1 --background_levels 0".split()
    run_step("tokenize", arguments)
    assert np.load(read_table(tmp_path / "codes_background.scp")["a-1"]).shape == (4, 0)
    (tmp_path / "codes" / "a-2.background.npy").unlink()
    capsys.readouterr()
    run_step("tokenize", arguments)
    assert capsys.readouterr().out.startswith("1 recordings")
    with pytest.raises(ValueError, match="other options"):
        run_step("tokenize", arguments[:6])
    with pytest.raises(ValueError, match="speech levels must be within 0..3, not 9"):
        run_step("tokenize", f"--model {model} --scp {scp} --out {tmp_path} --speech_levels 9".split())


def test_jobs_of_an_array_share_out_a_set(model, scp, tmp_path, capsys):
    whole, shared = ([*f"--model {model} --scp {scp} --out {tmp_path / name}".split()] for name in ("whole", "shared"))
    run_step("tokenize", whole)
    run_step("tokenize", [*shared, "--part", "2/2"])
    assert not (tmp_path / "shared" / "codes_speech.scp").exists()
    run_step("tokenize", [*shared, "--part", "1/2"])
    capsys.readouterr()
    run_step("tokenize", shared)
    assert capsys.readouterr().out.startswith("0 recordings")
    for name in ("codes_speech.scp", "codes_background.scp", "utt2num_samples"):
        text = (tmp_path / "whole" / name).read_text().replace(str(tmp_path / "whole"), str(tmp_path / "shared"))
        assert (tmp_path / "shared" / name).read_text() == text
    options = ["--model", str(model), "--tokens", str(tmp_path / "shared"), "--out", str(tmp_path / "wav")]
    run_step("resynthesize", [*options, "--part", "1/2"])
    assert not (tmp_path / "wav" / "both.scp").exists()
    capsys.readouterr()
    run_step("resynthesize", options)
    assert len(read_table(tmp_path / "wav" / "both.scp")) > int(capsys.readouterr().out.split()[0]) > 0
    with pytest.raises(SystemExit):
        run_step("tokenize", [*shared, "--part", "3/2"])


def test_tokens_of_another_codec(model, scp, tmp_path):
    torch.manual_seed(1)
    DeCodec.from_config(TINY).save_pretrained(tmp_path / "other")
    run_step("tokenize", f"--model {model} --scp {scp} --out {tmp_path / 'tokens'}".split())
    with pytest.raises(ValueError, match="made by another codec"):
        run_step(
            "resynthesize",
            f"--model {tmp_path / 'other'} --tokens {tmp_path / 'tokens'} --out {tmp_path / 'out'}".split(),
        )
    with pytest.raises(ValueError, match="no readable made_with.json"):
        resynthesize(scp.parent, tmp_path / "out", CodecOptions(str(model)))


def test_errors_are_one_line(capsys):
    assert main(["recipe", "tokenize", "--scp", "nowhere/wav.scp", "--out", "nowhere"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("decodec: error: ") and "wav.scp is not there" in line
