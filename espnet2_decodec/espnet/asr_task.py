"""ESPnet's ASR task with `frontend: decodec`, whose checkpoints contain the codec."""

from argparse import Namespace

from espnet2.asr.espnet_model import ESPnetASRModel
from espnet2.tasks.asr import ASRTask

from espnet2_decodec.espnet import registry  # noqa: F401  registers the frontend
from espnet2_decodec.espnet.frontend import DeCodecFrontend
from espnet2_decodec.espnet.safety import SafeTask, SafeTrainer


class DeCodecASRTask(SafeTask, ASRTask):
    """ESPnet's task; spawned worker processes import this module, which registers the frontend there as well."""

    trainer = SafeTrainer

    @classmethod
    def build_model(cls, args: Namespace) -> ESPnetASRModel:
        """ESPnet's model; the codec's config is added to `args`, which ESPnet saves as config.yaml.

        Raises:
            ValueError: if the options of the frontend are wrong.
        """
        model = super().build_model(args)
        if isinstance(model.frontend, DeCodecFrontend):
            args.frontend_conf = {**args.frontend_conf, "codec": model.frontend.config()}
        return model
