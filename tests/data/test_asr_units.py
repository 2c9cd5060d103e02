"""Units of discrete ASR are the tokens, and all of them are in the list."""

import numpy as np
import pytest

from espnet2_decodec.cli.recipe import run_step
from espnet2_decodec.codec.config import TINY
from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.asr_tokens import units
from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.data.tokenize import read_for_codec

CODES = np.array([[5, 1], [5, 1], [5, 2], [5, 1]])


def test_levels_are_interleaved():
    assert units(CODES, repeats=True) == "1_5 2_1 1_5 2_1 1_5 2_2 1_5 2_1"


def test_repeats_are_left_out_only_where_the_whole_frame_repeats():
    assert units(CODES, repeats=False) == "1_5 2_1 1_5 2_2 1_5 2_1"
    assert units(CODES[:, :1], repeats=False) == "1_5"


@pytest.mark.parametrize("levels", [1, 2])
def test_units_of_a_set(corpus, tmp_path, levels):
    codec = DeCodec.from_config(TINY)
    codec.save_pretrained(tmp_path / "codec")
    model = ["--model", f"{tmp_path}/codec"]
    scp = tmp_path / "wav.scp"
    scp.write_text("".join((corpus / "speech" / "wav.scp").read_text().splitlines(keepends=True)[:2]))
    out = ["--scp", str(scp), "--out", f"{tmp_path}/tokens", "--speech_levels", str(levels), "--background_levels", "0"]
    run_step("tokenize", [*model, *out])
    run_step("asr_units", [*model, "--tokens", f"{tmp_path}/tokens", "--list", f"{tmp_path}/list"])
    units = (tmp_path / "list").read_text().split("\n")[:-1]
    assert units[:2] == ["<blank>", "<unk>"] and units[-1] == "<sos/eos>" and len(units) == 3 + 16 * levels
    for key, line in read_table(tmp_path / "tokens" / "units").items():
        codes = np.load(read_table(tmp_path / "tokens" / "codes_speech.scp")[key])
        assert len(line.split()) == codes.size == 50 * levels and set(line.split()) <= set(units)
        assert [int(word.split("_")[1]) for word in line.split()] == codes.flatten().tolist()


def test_units_of_the_content(corpus, tmp_path):
    content = {"dim": 4, "channels": 8, "blocks": 1, "levels": 2, "codebook_size": 8}
    codec = DeCodec.from_config({**TINY, "content": content}).eval()
    codec.save_pretrained(tmp_path / "codec")
    scp = tmp_path / "wav.scp"
    scp.write_text((corpus / "speech" / "wav.scp").read_text().splitlines(keepends=True)[0])
    common = ["--model", f"{tmp_path}/codec", "--scp", str(scp), "--out", f"{tmp_path}/tokens"]
    run_step("tokenize", [*common, "--content", "1"])
    run_step(
        "asr_units", ["--model", f"{tmp_path}/codec", "--tokens", f"{tmp_path}/tokens", "--list", f"{tmp_path}/list"]
    )
    assert len((tmp_path / "list").read_text().splitlines()) == 3 + 8
    ((key, line),) = read_table(tmp_path / "tokens" / "units").items()
    codes = codec.content_tokens(read_for_codec(read_table(scp)[key], codec))[0, :1]
    assert line == units(codes.T.numpy(), repeats=True)
    assert np.load(tmp_path / "tokens" / "codes" / f"{key}.content.npy").shape == (50, 1)
    with pytest.raises(ValueError, match="another codec or other options"):
        run_step("tokenize", [*common, "--content", "2"])
    with pytest.raises(ValueError, match="has 2 levels of tokens, so not 3"):
        run_step("tokenize", [*common, "--content", "3"])


def test_tokens_without_speech_are_refused(corpus, tmp_path):
    DeCodec.from_config(TINY).save_pretrained(tmp_path / "codec")
    model = ["--model", f"{tmp_path}/codec"]
    run_step(
        "tokenize", [*model, "--scp", f"{corpus}/speech/wav.scp", "--out", f"{tmp_path}/tokens", "--speech_levels", "0"]
    )
    with pytest.raises(ValueError, match="need the same number, 1 or more"):
        run_step("asr_units", [*model, "--tokens", f"{tmp_path}/tokens", "--list", f"{tmp_path}/list"])
