"""The training objective and the plain loop, on a model of a few thousand parameters."""

from pathlib import Path

import pytest
import torch

from espnet2_decodec.codec.config import TINY
from espnet2_decodec.data.mixing import Batch, Mixing
from espnet2_decodec.data.sampler import MemorySegmentSampler
from espnet2_decodec.training.loop import Options, Trainer, dev_batches
from espnet2_decodec.training.objective import WEIGHTS, Objective

SMALL = dict(codec=TINY, discriminator={"windows": [256], "channels": 4}, teacher="logmel")
SCHEDULE = dict(reconstruct=1, warmup=2, collect=200, adversarial=3)


def make(seed: int = 0, schedule: dict = SCHEDULE, **options) -> Objective:
    torch.manual_seed(seed)
    return Objective(**{**SMALL, **options}, schedule=schedule)


def stems(size: int = 4, length: int = 6400) -> Batch:
    return Batch(torch.randn(size, length) * 0.05, torch.randn(size, length) * 0.02)


def bank(seed: int) -> MemorySegmentSampler:
    generator = torch.Generator().manual_seed(seed)
    return MemorySegmentSampler({name: (torch.randn(9000, generator=generator) * 3000).short() for name in "ab"})


def test_every_term_is_reported_even_with_weight_zero():
    objective = make(weights=dict.fromkeys(WEIGHTS, 0.0) | {"waveform": 1.0}).train()
    loss, terms = objective.generator_loss(stems())
    assert set(WEIGHTS) <= set(terms)
    torch.testing.assert_close(loss.detach(), terms["waveform"])
    assert {"perplexity_speech_1", "perplexity_background_2"} <= set(terms)


def test_schedule_from_reconstruction_to_the_discriminator():
    objective = make().train()
    before = objective.codec.speech_quantizer.codebooks.clone()
    judged, commitments = [], []
    for _ in range(5):
        _, terms = objective.generator_loss(stems())
        loss, _ = objective.discriminator_loss(stems())
        loss.backward()
        judged.append(objective.adversarial)
        commitments.append(float(terms["commitment"]) > 0)
    assert judged == [False, False, False, True, True]
    assert commitments == [False, False, True, True, True]
    assert not torch.equal(before, objective.codec.speech_quantizer.codebooks)
    assert objective.step == int(objective.steps) == 5


MDCT = {
    "backbone": {"channels": 16, "encoder_blocks": 1, "decoder_blocks": 1},
    "split": {"speech_dim": 64, "background_dim": 64},
    "quantizer": {"speech_levels": 2, "background_levels": 2, "codebook_size": 16, "parametric_levels": 1},
}


def test_items_of_the_parametric_levels_alone_are_not_compared_as_waveforms():
    schedule = {"warmup": 0, "unquantized": 0, "all_levels": 0, "parametric": 1}
    objective = make(codec=MDCT, schedule=schedule).train()
    _, terms = objective.generator_loss(stems())
    assert terms["snr"] == terms["waveform"] == 0 and terms["mel"] > 0
    _, terms = make(codec=MDCT, schedule=schedule | {"all_levels": 1}).train().generator_loss(stems())
    assert terms["waveform"] > 0


def test_frozen_parts_stay_as_they_are_while_codebooks_learn():
    schedule = dict(SCHEDULE, freeze=["backbone.encoder", "subspace"])
    objective = make(codec=MDCT, schedule=schedule, teacher=None).train()
    before = {name: value.clone() for name, value in objective.codec.state_dict().items()}
    optimizer = torch.optim.AdamW(objective.generator.parameters(), 0.01)
    for _ in range(4):
        objective.generator_loss(stems())[0].backward()
        optimizer.step()
    changed = {name for name, value in objective.codec.state_dict().items() if not torch.equal(value, before[name])}
    assert not any(name.startswith(("backbone.encoder", "subspace")) for name in changed)
    assert {"speech_quantizer.waveform.codebooks", "backbone.decoder.out_proj.weight"} <= changed


def test_freezing_a_part_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="schedule.freeze: the codec has no part 'encoder'"):
        make(schedule=dict(SCHEDULE, freeze=["encoder"]))


def test_codebooks_start_anew_beside_content_that_nobody_teaches():
    """Its own codebooks are left as they are."""
    content = {"dim": 5, "channels": 8, "blocks": 1, "levels": 1, "codebook_size": 8}
    objective = make(codec={**MDCT, "content": content}, schedule=dict(SCHEDULE, reconstruct=0), teacher=None).train()
    before = {name: value.clone() for name, value in objective.codec.named_buffers()}
    for _ in range(3):
        objective.generator_loss(stems())
    after = dict(objective.codec.named_buffers())
    books = "content_encoder.quantizer.codebooks", "speech_quantizer.semantic.codebooks"
    assert [torch.equal(before[name], after[name]) for name in books] == [True, False]


def test_anchor_steps_train_the_encoder_alone():
    objective = make(codec=MDCT, schedule=dict(SCHEDULE, anchor=1)).train()
    loss, terms = objective.generator_loss(stems())
    loss.backward()
    assert set(terms) == {"anchor", "envelope", "loss"}
    backbone = objective.codec.backbone
    assert all(p.grad is not None for p in backbone.encoder.out_proj.parameters())
    assert all(p.grad is None for p in backbone.decoder.parameters())
    objective.discriminator_loss(stems())[0].backward()
    assert set(WEIGHTS) <= set(objective.generator_loss(stems())[1])


def test_stems_at_their_anchors_cost_least():
    objective = make(codec=MDCT).eval()
    batch = stems()
    anchors = [objective.codec.backbone.target_latent(stem) for stem in (batch.speech, batch.background)]
    mixed = objective.codec.subspace.split(objective.codec.latent(batch.mixture))
    with torch.no_grad():
        best, worse = (objective._anchor_terms(batch, *pair) for pair in (anchors, mixed))
    assert best["anchor"] < worse["anchor"] and best["anchor"] < -0.5
    assert best["envelope"] == 0 < worse["envelope"]


def test_the_envelope_term_sees_what_the_first_level_codes_and_no_more():
    objective = make(codec=MDCT).eval()
    batch = stems()
    speech, background = (objective.codec.backbone.target_latent(stem) for stem in (batch.speech, batch.background))
    first = objective.codec.backbone.semantic_dim
    beyond, within = speech.clone(), speech.clone()
    beyond[:, first:] *= 0.5
    within[:, :first] *= 0.5
    assert objective._anchor_terms(batch, beyond, background)["envelope"] == 0
    half = 0.5 * speech[:, :first].abs().sum() / (speech[:, :first].abs().sum() + background[:, :first].abs().sum())
    torch.testing.assert_close(objective._anchor_terms(batch, within, background)["envelope"], half)


def test_a_backbone_without_anchors_has_terms_of_zero():
    terms = make().train().generator_loss(stems())[1]
    assert float(terms["anchor"]) == float(terms["envelope"]) == 0.0


def test_the_generator_turn_leaves_the_discriminator_without_gradients_and_usable():
    objective = make(schedule=dict(SCHEDULE, adversarial=0)).train()
    loss, _ = objective.generator_loss(stems())
    loss.backward()
    assert all(p.grad is None for p in objective.discriminator.parameters())
    assert all(p.requires_grad for p in objective.discriminator.parameters())
    objective.discriminator_loss(stems())[0].backward()
    assert all(p.grad is not None for p in objective.discriminator.parameters())


def test_the_discriminator_needs_the_generator_first():
    with pytest.raises(RuntimeError, match="generator step"):
        make().discriminator_loss(stems())


def test_unknown_terms_are_refused():
    with pytest.raises(ValueError, match="Unknown loss terms"):
        make(weights={"mell": 1.0})


def test_the_teacher_hears_the_clean_speech_and_is_neither_trained_nor_saved():
    objective = make().train()
    heard = []
    objective._teacher[0].register_forward_pre_hook(lambda _, args: heard.append(args[0]))
    batch = stems()
    objective.generator_loss(batch)
    assert torch.equal(heard[0], batch.speech)
    assert not any("teacher" in name for name in objective.state_dict())


def trainer(folder: Path, steps: int) -> Trainer:
    options = Options(steps=steps, batch=4, segment=4800, backgrounds=2, every=3, rise=2, minutes=60)
    return Trainer(make(), Mixing(), options, folder)


def rate_free(trainer: Trainer) -> Trainer:
    """Without the learning rate's dependence on the final number of steps."""
    trainer._rate = lambda: 1.0
    return trainer


def test_resumed_training_is_uninterrupted_training(tmp_path):
    straight = rate_free(trainer(tmp_path / "straight", 6))
    straight.train(bank(0), bank(1))
    rate_free(trainer(tmp_path / "halves", 3)).train(bank(0), bank(1))
    torch.manual_seed(123)
    resumed = rate_free(trainer(tmp_path / "halves", 6))
    assert resumed.objective.step == 3
    resumed.train(bank(0), bank(1))
    for (name, a), b in zip(straight.objective.state_dict().items(), resumed.objective.state_dict().values()):
        assert torch.equal(a, b), name


def test_the_matrix_stays_orthogonal_and_the_saved_model_is_the_trained_one(tmp_path):
    run = trainer(tmp_path, 5)
    run.train(bank(0), bank(1), dev_batches(bank(2), bank(3), (0.0,), 2, 6400))
    codec = run.objective.codec.eval()
    matrix = codec.subspace.matrix()
    assert float((matrix.T @ matrix - torch.eye(len(matrix))).abs().max()) <= 1e-5
    loaded = type(codec).from_pretrained(tmp_path / "model")
    wav = torch.randn(1, 5000) * 0.1
    assert loaded.decode(loaded.encode(wav)).shape == wav.shape
    assert (tmp_path / "log.jsonl").exists() and (tmp_path / "dev.jsonl").exists()


def test_a_short_track_is_repeated_and_segments_stay_within_their_track():
    flat = MemorySegmentSampler(
        {"ones": torch.full((50,), 16384, dtype=torch.int16), "none": torch.zeros(5000, dtype=torch.int16)}
    )
    segments = flat.draw(64, 200, torch.Generator().manual_seed(0))
    assert all(len(row.unique()) == 1 for row in segments)
    assert {float(row[0]) for row in segments} == {0.0, 0.5}


def test_an_unprepared_folder_says_what_to_do(tmp_path):
    with pytest.raises(ValueError, match="prepare the data first"):
        MemorySegmentSampler.from_directory(tmp_path)
