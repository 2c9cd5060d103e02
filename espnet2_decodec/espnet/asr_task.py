"""ESPnet's ASR task with `frontend: decodec`, whose checkpoints contain the codec."""

import traceback
from argparse import Namespace
from pathlib import Path

from espnet2.asr.espnet_model import ESPnetASRModel
from espnet2.tasks.asr import ASRTask

from espnet2_decodec.data.kaldi import read_lines
from espnet2_decodec.espnet import registry  # noqa: F401  registers the frontend
from espnet2_decodec.espnet.frontend import DeCodecFrontend, parse_size
from espnet2_decodec.espnet.safe_task import SafeTask
from espnet2_decodec.espnet.trainer import SafeTrainer
from espnet2_decodec.program import one_line


class DeCodecASRTask(SafeTask, ASRTask):
    """ESPnet's task; spawned worker processes import this module, which registers the frontend there as well."""

    trainer = SafeTrainer

    @classmethod
    def recording_rate(cls, args: Namespace) -> int | None:
        """Sample rate in Hz that `frontend_conf` states for the recordings; None with another frontend."""
        return parse_size(args.frontend_conf.get("fs", 16000)) if args.frontend == "decodec" else None

    @classmethod
    def build_model(cls, args: Namespace) -> ESPnetASRModel:
        """ESPnet's model; the codec's config is added to `args`, which ESPnet saves as config.yaml.

        It is not added where statistics are collected: espnetez trains with the same `args`, and without a checkpoint.

        Raises:
            ValueError: if the options are wrong, or the list of tokens is empty or no text.
        """
        if isinstance(args.token_list, str) and not list(read_lines(args.token_list)):
            raise ValueError(f"{args.token_list} is empty: it must have one token a line.")
        try:
            model = super().build_model(args)
        except (TypeError, AssertionError) as error:  # classes of ESPnet check their options by assertions
            place = traceback.extract_tb(error.__traceback__)[-1]
            raise ValueError(
                f"The model cannot be built from these options: {one_line(error)} ({place.line}, in "
                f"{Path(place.filename).name}, line {place.lineno})."
            ) from error
        if isinstance(model.frontend, DeCodecFrontend) and not args.collect_stats:
            args.frontend_conf = {**args.frontend_conf, "codec": model.frontend.config()}
        return model
