"""Token lists have ESPnet's reserved tokens and all tokens of the text."""

import pytest

from espnet2_decodec.cli.recipe import run_step
from espnet2_decodec.data.asr_tokens import write_token_list


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text"
    path.write_text("".join(f"u{i} они пели пели {'о' * (i + 1)}\n" for i in range(4)))
    return path


def test_characters_by_frequency(text, tmp_path):
    assert write_token_list(text, tmp_path / "list") == 10
    tokens = (tmp_path / "list" / "tokens.txt").read_text().split("\n")[:-1]
    assert tokens[:2] == ["<blank>", "<unk>"] and tokens[-1] == "<sos/eos>"
    assert set(tokens[2:-1]) == {"<space>", "о", "н", "и", "п", "е", "л"}


def test_byte_pairs_spell_every_line(text, tmp_path):
    sentencepiece = pytest.importorskip("sentencepiece", reason="sentencepiece is not installed: BPE is not tested")
    run_step("asr_token_list", ["--text", str(text), "--out", str(tmp_path / "list"), "--nbpe", "14"])
    tokens = (tmp_path / "list" / "tokens.txt").read_text().split("\n")[:-1]
    model = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "list" / "bpe.model"))
    for line in text.read_text().splitlines():
        pieces = model.encode(line.partition(" ")[2], out_type=str)
        assert set(pieces) <= set(tokens)
    assert len(tokens) == len(set(tokens))


def test_a_missing_table_is_refused(tmp_path):
    with pytest.raises(ValueError, match="is not there"):
        write_token_list(tmp_path / "none", tmp_path / "list")
