"""ESPnet's ASR task, in which `frontend: decodec` works in every process and a checkpoint carries its codec."""

from argparse import Namespace

from espnet2.asr.espnet_model import ESPnetASRModel
from espnet2.tasks.asr import ASRTask

from espnet2_decodec.espnet import registry  # noqa: F401  registers the frontend
from espnet2_decodec.espnet.frontend import DeCodecFrontend


class DeCodecASRTask(ASRTask):
    """As ESPnet's; workers that are started anew find the frontend, because they import this module."""

    @classmethod
    def build_model(cls, args: Namespace) -> ESPnetASRModel:
        """ESPnet's model; `args`, which ESPnet saves as config.yaml next, gets the codec's config.

        Raises:
            ValueError: if a frontend's options are wrong.
        """
        model = super().build_model(args)
        if isinstance(model.frontend, DeCodecFrontend):
            args.frontend_conf = {**args.frontend_conf, "codec": model.frontend.config()}
        return model
