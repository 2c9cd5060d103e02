"""The mark of synthetic speech in each output format."""

import pytest
import torch

from espnet2_decodec.io.audio import OUTPUT_FORMATS, AudioWriter
from espnet2_decodec.io.comments import read_comment
from espnet2_decodec.io.errors import AudioFormatError
from espnet2_decodec.voice.tagging import COMMENT, is_synthetic


@pytest.mark.parametrize("suffix", OUTPUT_FORMATS)
@pytest.mark.parametrize("rescale", [False, True])
def test_the_comment_is_read_back(tmp_path, suffix, rescale):
    for name, comment in (("made", COMMENT), ("other", "")):
        with AudioWriter(tmp_path / f"{name}{suffix}", 16000, rescale, comment) as writer:
            writer.write(0.1 * torch.randn(3000))
    assert read_comment(tmp_path / f"made{suffix}") == COMMENT
    assert is_synthetic(tmp_path / f"made{suffix}") and not is_synthetic(tmp_path / f"other{suffix}")


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text.wav").write_text("no audio")
    with pytest.raises(AudioFormatError, match="text.wav is not audio in a known format"):
        is_synthetic(tmp_path / "text.wav")
    with pytest.raises(FileNotFoundError):
        is_synthetic(tmp_path / "none.wav")
