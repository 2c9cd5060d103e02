"""The training objective, on a model of a few thousand parameters."""

import pytest
import torch

from espnet2_decodec.codec.config import TINY
from espnet2_decodec.data.mixing import Batch
from espnet2_decodec.training.objective import WEIGHTS, Objective

SMALL = dict(codec=TINY, discriminator={"windows": [256], "channels": 4}, teacher="logmel")
SCHEDULE = dict(reconstruction_steps=1, unquantized_steps=2, kmeans_frames=200, adversarial_start=3)


def make(seed: int = 0, schedule: dict = SCHEDULE, **options) -> Objective:
    torch.manual_seed(seed)
    return Objective(**{**SMALL, **options}, schedule=schedule)


def stems(size: int = 4, length: int = 6400) -> Batch:
    return Batch(torch.randn(size, length) * 0.05, torch.randn(size, length) * 0.02)


def test_every_term_is_reported_even_with_weight_zero():
    objective = make(weights=dict.fromkeys(WEIGHTS, 0.0) | {"waveform": 1.0}).train()
    output = objective.generator_loss(stems())
    terms = output.metrics
    assert set(WEIGHTS) <= set(terms)
    torch.testing.assert_close(output.loss.detach(), terms["waveform"])
    assert {"perplexity_speech_1", "perplexity_background_2"} <= set(terms)


def test_schedule_from_reconstruction_to_the_discriminator():
    objective = make().train()
    before = objective.codec.speech_quantizer.codebooks.clone()
    takes_part, commitments = [], []
    for _ in range(5):
        output = objective.generator_loss(stems())
        loss, _ = objective.discriminator_loss(output)
        loss.backward()
        takes_part.append(output.estimate is not None)
        commitments.append(float(output.metrics["commitment"]) > 0)
    assert takes_part == [False, False, False, True, True]
    assert commitments == [False, False, True, True, True]
    assert not torch.equal(before, objective.codec.speech_quantizer.codebooks)
    assert objective.step == int(objective.steps) == 5


MDCT = {
    "backbone": {"channels": 16, "encoder_blocks": 1, "decoder_blocks": 1},
    "split": {"speech_dim": 64, "background_dim": 64},
    "quantizer": {"speech_levels": 2, "background_levels": 2, "codebook_size": 16, "parametric_levels": 1},
}


def test_items_of_the_parametric_levels_alone_are_not_compared_as_waveforms():
    schedule = {"unquantized_steps": 0, "no_quantization_prob": 0, "full_rate_prob": 0, "parametric_only_prob": 1}
    objective = make(codec=MDCT, schedule=schedule).train()
    terms = objective.generator_loss(stems()).metrics
    assert terms["snr"] == terms["waveform"] == 0 and terms["mel"] > 0
    terms = make(codec=MDCT, schedule=schedule | {"full_rate_prob": 1}).train().generator_loss(stems()).metrics
    assert terms["waveform"] > 0


def test_frozen_parts_stay_as_they_are_while_codebooks_learn():
    schedule = dict(SCHEDULE, freeze=["backbone.encoder", "subspace"])
    objective = make(codec=MDCT, schedule=schedule, teacher=None).train()
    before = {name: value.clone() for name, value in objective.codec.state_dict().items()}
    optimizer = torch.optim.AdamW(objective.generator.parameters(), 0.01)
    for _ in range(4):
        objective.generator_loss(stems()).loss.backward()
        optimizer.step()
    changed = {name for name, value in objective.codec.state_dict().items() if not torch.equal(value, before[name])}
    assert not any(name.startswith(("backbone.encoder", "subspace")) for name in changed)
    assert {"speech_quantizer.waveform.codebooks", "backbone.decoder.out_proj.weight"} <= changed


def test_an_unknown_part_to_freeze_is_refused():
    with pytest.raises(ValueError, match="schedule.freeze: the codec has no part 'encoder'"):
        make(schedule=dict(SCHEDULE, freeze=["encoder"]))


def test_codebooks_are_initialized_beside_content_without_a_teacher():
    """Its own codebooks are left as they are."""
    content = {"dim": 5, "channels": 8, "blocks": 1, "levels": 1, "codebook_size": 8}
    objective = make(
        codec={**MDCT, "content": content}, schedule=dict(SCHEDULE, reconstruction_steps=0), teacher=None
    ).train()
    before = {name: value.clone() for name, value in objective.codec.named_buffers()}
    for _ in range(3):
        objective.generator_loss(stems())
    after = dict(objective.codec.named_buffers())
    books = "content_encoder.quantizer.codebooks", "speech_quantizer.semantic.codebooks"
    assert [torch.equal(before[name], after[name]) for name in books] == [True, False]


def test_latent_regression_trains_the_encoder_alone():
    objective = make(codec=MDCT, schedule=dict(SCHEDULE, pretraining_steps=1)).train()
    output = objective.generator_loss(stems())
    output.loss.backward()
    assert set(output.metrics) == {"latent", "envelope", "loss"}
    backbone = objective.codec.backbone
    assert all(p.grad is not None for p in backbone.encoder.out_proj.parameters())
    assert all(p.grad is None for p in backbone.decoder.parameters())
    objective.discriminator_loss(output)[0].backward()
    assert set(WEIGHTS) <= set(objective.generator_loss(stems()).metrics)


def test_target_latents_have_the_lowest_loss():
    objective = make(codec=MDCT).eval()
    batch = stems()
    targets = [objective.codec.backbone.target_latent(stem) for stem in (batch.speech, batch.background)]
    mixed = objective.codec.subspace.split(objective.codec.latent(batch.mixture))
    with torch.no_grad():
        best, worse = (objective.latent_regression.terms(batch, *pair) for pair in (targets, mixed))
    assert best["latent"] < worse["latent"] and best["latent"] < -0.5
    assert best["envelope"] == 0 < worse["envelope"]


def test_the_envelope_term_depends_on_the_coordinates_of_the_first_level_alone():
    objective = make(codec=MDCT).eval()
    batch = stems()
    speech, background = (objective.codec.backbone.target_latent(stem) for stem in (batch.speech, batch.background))
    first = objective.codec.backbone.semantic_dim
    beyond, within = speech.clone(), speech.clone()
    beyond[:, first:] *= 0.5
    within[:, :first] *= 0.5
    assert objective.latent_regression.terms(batch, beyond, background)["envelope"] == 0
    half = 0.5 * speech[:, :first].abs().sum() / (speech[:, :first].abs().sum() + background[:, :first].abs().sum())
    torch.testing.assert_close(objective.latent_regression.terms(batch, within, background)["envelope"], half)


def test_a_backbone_without_target_latents_has_terms_of_zero():
    terms = make().train().generator_loss(stems()).metrics
    assert float(terms["latent"]) == float(terms["envelope"]) == 0.0


def test_the_generator_step_leaves_the_discriminator_without_gradients_and_usable():
    objective = make(schedule=dict(SCHEDULE, adversarial_start=0)).train()
    output = objective.generator_loss(stems())
    output.loss.backward()
    assert all(p.grad is None for p in objective.discriminator.parameters())
    assert all(p.requires_grad for p in objective.discriminator.parameters())
    objective.discriminator_loss(output)[0].backward()
    assert all(p.grad is not None for p in objective.discriminator.parameters())


def test_unknown_terms_are_refused():
    with pytest.raises(ValueError, match="weights has no option 'mell'. Did you mean mel"):
        make(weights={"mell": 1.0})


def test_the_teacher_gets_the_clean_speech_and_is_neither_trained_nor_saved():
    objective = make().train()
    inputs = []
    objective.generator.semantic.teacher.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    batch = stems()
    objective.generator_loss(batch)
    assert torch.equal(inputs[0], batch.speech)
    assert not any("teacher" in name for name in objective.state_dict())
