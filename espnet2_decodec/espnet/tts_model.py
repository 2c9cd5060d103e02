"""ESPnet's side of the text-to-speech model."""

import torch
from espnet2.torch_utils.device_funcs import force_gatherable
from espnet2.train.abs_espnet_model import AbsESPnetModel
from torch import Tensor

from espnet2_decodec.espnet.tts_objective import Objective
from espnet2_decodec.tts.synthesizer import Synthesizer


class DeCodecTTSModel(AbsESPnetModel):
    """Text and speech tokens in, losses out.

    Args:
        synthesizer: the model.
        options: of `Objective`.
    """

    def __init__(self, synthesizer: Synthesizer, **options):
        super().__init__()
        self.objective = Objective(synthesizer, **options)

    def forward(
        self,
        text: Tensor,
        text_lengths: Tensor,
        speech_codes: Tensor,
        speech_codes_lengths: Tensor,
        prompt_codes: Tensor,
        prompt_codes_lengths: Tensor,
        **_,
    ) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """text [B, N], speech_codes [B, T, K], prompt_codes [B, T', K], with their lengths [B] -> loss, figures, B."""
        losses = self.objective(
            text, text_lengths, speech_codes, speech_codes_lengths, prompt_codes, prompt_codes_lengths
        )
        figures = {name: value.detach() for name, value in losses.items()}
        return force_gatherable((losses["loss"], figures, torch.tensor(len(text))), losses["loss"].device)

    @torch.no_grad()
    def collect_feats(self, speech_codes: Tensor, speech_codes_lengths: Tensor, **_) -> dict[str, Tensor]:
        """speech_codes [B, T, K], lengths [B] -> coordinates [B, T, C] as they are, for their mean and deviation."""
        values = self.objective.synthesizer.coordinates.look_up(speech_codes)
        return {"coordinates": values, "coordinates_lengths": speech_codes_lengths}
