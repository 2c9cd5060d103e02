"""Training of a tiny codec with a semantic level by research/tokens: its start, its steps, and how it resumes."""

import pytest
import torch

from espnet2_decodec.codec.config import TINY_SEMANTIC
from espnet2_decodec.codec.decodec import DeCodec
from research.tokens import checkpoint
from research.tokens.batches import TrainingBatch
from research.tokens.content import ContentEncoder
from research.tokens.settings import Settings
from research.tokens.start import start_codec
from research.tokens.trainer import Trainer
from research.tokens.weights import load_content, save_content

SETTINGS = Settings(
    batch=2,
    adversarial=3,
    discriminators={"windows": [128], "channels": 4, "periods": [2], "period_channels": [4]},
    level_probs={3: 0.6, 0: 0.4},
)


@pytest.fixture
def start(tmp_path):
    """Folder of the codec to start from, made of a codec with the mdct backbone and a content encoder."""
    torch.manual_seed(0)
    backbone = {"name": "mdct", "n_mels": 4, "channels": 8, "encoder_blocks": 1, "decoder_blocks": 1}
    quantizer = TINY_SEMANTIC["quantizer"]
    levels = {n: quantizer[n] for n in ("speech_levels", "background_levels", "codebook_size", "parametric_levels")}
    base = DeCodec({"backbone": backbone, "split": {"speech_dim": 10, "background_dim": 10}, "quantizer": levels})
    torch.nn.init.normal_(base.subspace.weight)
    content = ContentEncoder(4, channels=8, blocks=1, kernel=9, codebook_size=16)
    path = save_content(content.state_dict(), tmp_path)
    options = {
        "backbone": {n: v for n, v in TINY_SEMANTIC["backbone"].items() if n.startswith(("semantic_", "post_"))},
        "quantizer": {n: v for n, v in quantizer.items() if n.startswith("predictor_")},
    }
    codec = start_codec(base.eval(), load_content(path), options).eval()
    wav = 0.1 * torch.randn(1, 3200)
    assert torch.equal(codec.separate(wav, quantize=False).speech, base.separate(wav, quantize=False).speech)
    assert torch.equal(codec.encode(wav).background, base.encode(wav).background)
    assert torch.equal(codec.content_quantizer.codebooks, load_content(path)["quantizer.codebooks"])
    codec.save_pretrained(tmp_path / "start")
    return tmp_path / "start"


def batch(trainer: Trainer) -> TrainingBatch:
    wav = torch.from_numpy(0.1 * trainer.random.standard_normal((2, 6400))).float()
    return TrainingBatch(wav, wav, wav, wav)


def test_a_training_resumes_exactly_and_keeps_what_is_frozen(start, tmp_path):
    one = Trainer(SETTINGS, start)
    one.initialize_from(torch.randn(64, 10, generator=torch.Generator().manual_seed(0)))
    before = {name: value.clone() for name, value in one.codec.state_dict().items()}
    for _ in range(5):
        terms = one.train_step(batch(one))
    assert {"complex", "magnitude", "mel", "commitment", "content", "adversarial", "matching"} <= terms.keys()
    checkpoint.save(tmp_path, one.state())
    checkpoint.save(tmp_path, one.state())
    other = Trainer(SETTINGS, start, seed=1)
    other.load_state(checkpoint.load(tmp_path))
    for _ in range(2):
        assert one.train_step(batch(one)) == other.train_step(batch(other))
    for trained, resumed in ((one.codec, other.codec), (one.ema.module, other.ema.module)):
        for a, b in zip(trained.state_dict().values(), resumed.state_dict().values()):
            assert torch.equal(a, b)
    changed = {name for name, value in one.codec.state_dict().items() if not torch.equal(value, before[name])}
    parts = ("backbone.post_filter.", "backbone.decoder.", "speech_quantizer.")
    assert all(name.startswith(parts) and ".semantic." not in name for name in changed)
    for part in (
        "backbone.post_filter.",
        "backbone.decoder.",
        "speech_quantizer.predictor.",
        "speech_quantizer.waveform.",
    ):
        assert any(name.startswith(part) for name in changed)


def test_a_codec_without_a_semantic_level_is_refused(model):
    with pytest.raises(ValueError, match="is not a codec with a semantic level"):
        Trainer(SETTINGS, model)
