"""From wav.scp to mixed batches."""

import numpy as np
import pytest
import soundfile
import torch

from espnet2_decodec.data.mixing import Mixing
from espnet2_decodec.data.preprocessor import MixingCollate, StemPreprocessor
from espnet2_decodec.data.sampler import DiskSegmentSampler


def write(folder, lengths, sources=None, rate=16000, **tables):
    """DiskSegmentSampler whose samples are their number in thousandths: what comes from where can be seen."""
    folder.mkdir(parents=True)
    for i, (name, length) in enumerate(lengths.items(), 1):
        soundfile.write(folder / f"{name}.wav", np.full(length, i / 1024), rate, subtype="PCM_16")
    tables = {"wav.scp": {name: folder / f"{name}.wav" for name in lengths}, "utt2spk": sources or {}} | tables
    for table, rows in tables.items():
        if rows:
            (folder / table).write_text("".join(f"{name} {value}\n" for name, value in rows.items()))
    return folder / "wav.scp"


@pytest.fixture
def speech(tmp_path):
    return write(tmp_path / "s", {"a1": 3000, "a2": 20000, "b1": 700}, {"a1": "a", "a2": "a", "b1": "b"})


@pytest.fixture
def background(tmp_path):
    return write(tmp_path / "n", {"rain": 30000, "door": 500}, {"rain": "rain", "door": "door"})


def item(preprocessor, name="a1", length=3000, seed=0):
    np.random.seed(seed)
    return preprocessor(name, {"audio": np.full(length, 1 / 1024)})


def test_training_items_have_one_length_whatever_is_read(speech, background):
    preprocessor = StemPreprocessor(
        True, DiskSegmentSampler(speech, pause=(0.01, 0.02)), DiskSegmentSampler(background)
    )
    for name, length in (("a1", 3000), ("a2", 20000), ("b1", 700)):
        data = item(preprocessor, name, length)
        assert data["audio"].shape == (16000,) and data["backgrounds"].shape == (3, 16000)
        assert all(values.dtype == np.float32 for values in data.values())


def test_items_repeat_with_the_seed_and_differ_between_epochs_and_utterances(speech, background):
    preprocessor = StemPreprocessor(
        True, DiskSegmentSampler(speech, pause=(0.01, 0.02)), DiskSegmentSampler(background)
    )

    def same(one, other):
        return all(np.array_equal(one[key], other[key]) for key in one)

    assert same(item(preprocessor), item(preprocessor))
    assert not same(item(preprocessor), item(preprocessor, seed=1))
    assert not same(item(preprocessor, "a1"), item(preprocessor, "b1"))


def test_a_short_utterance_is_followed_by_others_of_its_speaker_after_a_pause(speech):
    voices = DiskSegmentSampler(speech, pause=(0.01, 0.01))
    segment = voices.segment("a1", 40000, np.random.default_rng(0), np.full(3000, 1 / 1024))
    assert set(np.unique(np.rint(segment * 1024))) == {0, 1, 2} and len(segment) == 40000
    change = np.flatnonzero(np.diff(segment))
    assert change[1] - change[0] == 160, "the pause of 10 ms"


def test_a_short_utterance_of_a_speaker_without_others_is_followed_by_silence(speech):
    segment = DiskSegmentSampler(speech, pause=(0.01, 0.01)).segment(
        "b1", 5000, np.random.default_rng(0), np.full(700, 1.0)
    )
    assert 0 < segment.sum() <= 700 and not segment[700:].any()


def test_a_short_background_is_repeated(background):
    segment = DiskSegmentSampler(background).segment("door", 5000, np.random.default_rng(0))
    assert len(segment) == 5000 and (segment > 0).all()


def test_sources_are_drawn_by_duration_class_and_noisiness(tmp_path):
    lengths = {"m": 100, "e": 100, "long": 100}
    scp = write(
        tmp_path / "b", lengths, {name: name for name in lengths},
        utt2dur={"m": 4, "e": 4, "long": 16}, utt2class={"m": "music", "e": "environment", "long": "environment"},
    )  # fmt: skip
    (tmp_path / "b" / "noisy_speakers").write_text("e\n")
    shares = DiskSegmentSampler(
        scp, balance_exponent=0.5, class_weights={"music": 0.25}, noisy_weight=0.5
    ).probabilities
    assert shares == pytest.approx(np.array([0.5, 1.0, 4.0]) / 5.5)
    assert DiskSegmentSampler(scp, balance_exponent=1, noisy_weight=1).probabilities == pytest.approx(np.full(3, 1 / 3))
    some = DiskSegmentSampler(scp, balance_exponent=1, noisy_weight=1).probabilities_among(["m", "long", "other"])
    assert some == pytest.approx({"m": 0.5, "long": 0.5})
    draws = DiskSegmentSampler(scp, balance_exponent=0.5, class_weights={"music": 0.25}, noisy_weight=0.5)
    random = np.random.default_rng(0)
    names = [draws.draw(random) for _ in range(2000)]
    assert names.count("long") / 2000 == pytest.approx(4 / 5.5, abs=0.05)


def test_stems_that_come_along_are_cropped_at_one_place():
    ramp = np.arange(3000, dtype=np.float32) / 2**14
    stems = {"audio": 3 * ramp, "speech": ramp, "background": 2 * ramp}
    data = StemPreprocessor(True, segment_length=1000)("x", stems)
    assert np.array_equal(data["speech"] + data["background"], data["audio"]) and len(data["audio"]) == 1000
    with pytest.raises(ValueError, match="must be of one length"):
        StemPreprocessor(True)("x", stems | {"speech": ramp[1:]})


def test_validation_takes_the_middle_and_fills_up_with_silence():
    ramp = np.arange(1, 11, dtype=np.float32) / 32

    def values(length, samples):
        return (32 * StemPreprocessor(False, valid_length=length)("x", {"audio": samples})["audio"]).tolist()

    assert values(4, ramp) == [4, 5, 6, 7]
    assert values(12, ramp) == [*range(1, 11), 0, 0]
    assert values(4, np.stack([ramp, 3 * ramp], 1)) == [8, 10, 12, 14]


@pytest.mark.parametrize("sample, message", [(np.nan, "speech has a sample that is not finite"), (9.0, "up to 9, far")])
def test_samples_that_are_not_finite_or_far_beyond_full_scale_are_refused(sample, message):
    stems = {"audio": np.zeros(100, np.float32), "speech": np.full(100, sample, np.float32)}
    with pytest.raises(ValueError, match=message):
        StemPreprocessor(False)("x", stems)


def test_collate_mixes_a_batch_and_keeps_the_stems(speech, background):
    preprocessor = StemPreprocessor(
        True, DiskSegmentSampler(speech, pause=(0.01, 0.02)), DiskSegmentSampler(background), 4000
    )
    collate = MixingCollate(Mixing())
    np.random.seed(0)
    data = [(name, preprocessor(name, {"audio": 0.1 * np.random.randn(9000)})) for name in ("a1", "a2", "b1")]
    names, batch = collate(data)
    assert names == ["a1", "a2", "b1"] and batch["audio_lengths"].tolist() == [4000] * 3
    assert torch.allclose(batch["audio"], batch["speech"] + batch["background"]) and batch["audio"].abs().max() <= 0.99
    again = []
    for seed in (5, 5, 6):
        np.random.seed(seed)
        again.append(collate(data)[1]["audio"])
    assert torch.equal(again[0], again[1]) and not torch.equal(again[0], again[2])


def test_collate_stacks_what_is_mixed_already():
    stems = {"audio": np.ones(5, np.float32), "speech": np.ones(5, np.float32)}
    _, batch = MixingCollate(Mixing())([("x", stems), ("y", {k: v[:3] for k, v in stems.items()})])
    assert batch["speech"].tolist() == [[1] * 5, [1, 1, 1, 0, 0]] and batch["speech_lengths"].tolist() == [5, 3]


def test_without_backgrounds_noise_is_synthesized(speech):
    preprocessor = StemPreprocessor(True, DiskSegmentSampler(speech, pause=(0.01, 0.02)), None, 4000)
    data = [(name, item(preprocessor, name)) for name in ("a1", "a2")]
    _, batch = MixingCollate(Mixing(clean_prob=0, background_only_prob=0))(data)
    assert (batch["background"].abs().amax(1) > 0).all()


def test_wrong_recordings_are_refused(tmp_path):
    with pytest.raises(ValueError, match="8000 Hz, the codec works at 16000 Hz"):
        DiskSegmentSampler(write(tmp_path / "low", {"a": 100}, rate=8000))
    with pytest.raises(ValueError, match="is not there"):
        DiskSegmentSampler(tmp_path / "nothing.scp")
    with pytest.raises(ValueError, match="must be 1 or more"):
        StemPreprocessor(True, segment_length=0)
    mixed = write(tmp_path / "mixed", {"a": 100, "b": 100}, {"a": "x", "b": "x"})
    soundfile.write(tmp_path / "mixed" / "b.wav", np.zeros(100), 8000)
    with pytest.raises(ValueError, match="8000 Hz"):
        DiskSegmentSampler(mixed).segment("b", 10, np.random.default_rng(0))
