"""Progress of a training in its log."""

import logging

from espnet2.train.reporter import SubReporter

from espnet2_decodec.espnet.epoch_progress import EpochProgress


def _steps(iterator, reporter):
    for batch in iterator:
        reporter.register({"loss": float(batch)})
        reporter.next()


def test_progress_shows_loss_speed_and_time_left(caplog):
    reporter = SubReporter("train", 2, 0)
    progress = EpochProgress([1, 2, 3, 4], reporter, epochs=3, log_interval=0.0)
    with caplog.at_level(logging.INFO):
        _steps(progress, reporter)
    assert len(progress) == 4 and len(caplog.messages) == 3
    assert caplog.messages[1].startswith("epoch 2/3, step 2/4: loss 2.000, ")
    assert progress.line(2, 0, 10.0).endswith("0.10 steps/s, 0:00:20 left in this epoch, 0:01:00 in all")


def test_progress_without_a_known_length(caplog):
    reporter = SubReporter("train", 1, 0)
    with caplog.at_level(logging.INFO):
        _steps(EpochProgress(iter([1, 2]), reporter, epochs=3, log_interval=0.0), reporter)
    assert "left" not in caplog.text and "epoch 1/3, step 1: loss 1.000" in caplog.text
