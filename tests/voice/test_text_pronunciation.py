import pytest
import torch

from espnet2_decodec.voice.text_g2p import LETTERS, OUTPUTS, GraphemeToPhone
from espnet2_decodec.voice.text_lexicon import Pronouncer, read_lexicon, write_lexicon
from espnet2_decodec.voice.text_phones import PHONE_IDS, PHONES, WEAK_FORMS

LEXICON = {
    "apple": "AE1 P AH0 L".split(), "the": "DH IY0".split(), "tree": "T R IY1".split(), "of": "AH1 V".split(),
    "a": ["EY1"], "u": "Y UW1".split(), "s": "EH1 S".split(), "bus": "B AH1 S".split(),
    "hand": "HH AE1 N D".split(), "book": "B UH1 K".split(),
}  # fmt: skip


@pytest.fixture
def pronouncer():
    return Pronouncer(LEXICON, lambda word: ["T"] * len(word))


def test_function_words_are_weak_before_a_word_only(pronouncer):
    assert " ".join(pronouncer("the tree of")) == "<sil> DH AH0   T R IY1   AH1 V <sil>"
    assert " ".join(pronouncer("the apple of a tree."))[:30] == "<sil> DH IY0   AE1 P AH0 L   A"


def test_words_that_the_lexicon_lacks(pronouncer):
    assert pronouncer.word("tree's") == "T R IY1 Z".split()
    assert pronouncer.word("bus's") == "B AH1 S IH0 Z".split()
    assert pronouncer.word("handbook") == "HH AE1 N D B UH2 K".split()
    assert pronouncer.word("US") == "Y UW1 EH1 S".split()
    assert pronouncer.word("US", acronyms=False) == ["T", "T"]
    assert pronouncer.word("qqq") == ["T", "T", "T"]


def test_capitals_of_a_whole_text_are_no_acronyms(pronouncer):
    assert pronouncer("TREE US") == ["<sil>", "T", "R", "IY1", " ", "T", "T", "<sil>"]


def test_all_phones_of_weak_forms_and_of_the_network_are_known():
    used = {phone for form in WEAK_FORMS.values() for phone in form.split()} | set(OUTPUTS[1:])
    assert used <= PHONE_IDS.keys()
    assert len(set(PHONES)) == len(PHONES)


def test_lexicon_is_read_as_written(tmp_path):
    write_lexicon(tmp_path / "lexicon.txt.xz", LEXICON)
    assert read_lexicon(tmp_path / "lexicon.txt.xz") == LEXICON


def test_unusable_lexicons_are_refused(tmp_path):
    path = tmp_path / "lexicon.txt.xz"
    with pytest.raises(FileNotFoundError, match="no lexicon"):
        read_lexicon(path)
    path.write_bytes(b"text")
    with pytest.raises(ValueError, match="damaged"):
        read_lexicon(path)
    write_lexicon(path, {"word": ["XX"]})
    with pytest.raises(ValueError, match="unknown phones: XX"):
        read_lexicon(path)


def test_network_pronounces_every_word_alone_as_in_a_batch():
    torch.manual_seed(0)
    network = GraphemeToPhone(channels=16, blocks=2).eval()
    words = [[1, 2, 3], [4, 5, 0]]
    batch = network(torch.tensor(words), torch.tensor([3, 2]))
    alone = network(torch.tensor([[4, 5]]), torch.tensor([2]))
    assert torch.allclose(batch[1, :4], alone[0], atol=1e-5)
    assert set(network.pronounce(LETTERS)) <= set(OUTPUTS)
