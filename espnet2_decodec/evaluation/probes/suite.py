"""All probes on a folder of test mixtures."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.data.mixtures import BACKGROUND_ONLY, CLEAN, NO_LABEL
from espnet2_decodec.data.parallel import parallel_map
from espnet2_decodec.evaluation.metrics.error_rate import require_jiwer
from espnet2_decodec.evaluation.metrics.recognizers import recognizer
from espnet2_decodec.evaluation.mixture_set import MixtureSet
from espnet2_decodec.evaluation.probes.noise import detector_results, pause_results
from espnet2_decodec.evaluation.probes.phones import MAX_SENTENCES, phone_results
from espnet2_decodec.evaluation.probes.results import ProbeResult
from espnet2_decodec.evaluation.probes.stems import TRUE_STEMS, StemMeasurer, StemTask
from espnet2_decodec.evaluation.probes.tokens import make_example, token_results
from espnet2_decodec.evaluation.probes.words import word_results
from espnet2_decodec.evaluation.systems.base import Unavailable
from espnet2_decodec.evaluation.systems.specs import build, expand
from espnet2_decodec.io.audio import read
from espnet2_decodec.progress import progress

PROBES = ("words", "noise", "tokens", "phones")


class ProbeSuite:
    """Probes on the recordings of one set.

    Attributes:
        results: of the probes run so far.
        skipped: a line for each thing that was skipped.
        recognizer: name and version of the one that was used.

    Args:
        data: folder that `make_mixtures` wrote; words need its table text.
        limit: the first recordings of each condition only; None for all.
        conditions: some of those of the set; empty for all.
        warn: called with a line for each thing that is skipped.

    Raises:
        ValueError: if the set cannot be used, or has no such condition.
    """

    def __init__(
        self,
        data: str | Path,
        limit: int | None = None,
        conditions: Sequence[str] = (),
        warn: Callable[[str], None] = lambda line: None,
    ):
        self.data, self.mixtures = Path(data), MixtureSet(data)
        self.keys = self.mixtures.select(conditions, limit)
        self.results: list[ProbeResult] = []
        self.skipped: list[str] = []
        self.recognizer, self.warn = "none", warn

    def probe_stems(
        self, specs: Sequence[str], asr: str | None, language: str, speakers: Sequence[str], noise: bool, jobs: int
    ) -> None:
        """Words and residual background in the stems of systems, and words in the true stems.

        Args:
            specs: of systems, see `systems.specs`.
            asr: name of a recognizer; None for no words.
            language: ISO 639-1 code of the texts.
            speakers: those whose words are searched; empty for all.
            noise: whether residual background in the speech stems is measured.
            jobs: processes.

        Raises:
            ValueError: if a spec, a recognizer or a speaker is unknown, or no recording has a text.
        """
        texts = self._texts(speakers) if asr else {}
        asr = asr if asr and self._has_recognizer(asr) else None
        if asr is None and not noise:
            return
        tasks = [
            StemTask(name, spec, key, asr is not None and key in texts)
            for name, spec in {TRUE_STEMS: TRUE_STEMS, **self._available(specs)}.items()
            for key in self.keys
            if noise or key in texts
        ]
        worker = partial(StemMeasurer, self.data, asr, language)
        measurements = list(parallel_map(worker, tasks, jobs, "probe stems"))
        conditions = self.mixtures.conditions
        if asr:
            self.results += word_results(measurements, texts, conditions)
        if noise:
            self.results += pause_results(measurements, conditions)
            try:
                self.results += detector_results(measurements, conditions, self.mixtures.speakers)
            except ValueError as problem:
                self._skip(f"detector is skipped: {problem}")

    def probe_tokens(self, codec: DeCodec) -> None:
        """Speaker and class of the background from the tokens."""
        classes = self.data / "utt2background"
        labels = {"speaker": self.mixtures.speakers, "background": read_table(classes) if classes.is_file() else {}}
        for probe, table in labels.items():
            keys = [key for key in self.keys if table.get(key, NO_LABEL) != NO_LABEL]
            if probe == "background":
                keys = [key for key in keys if self.mixtures.conditions[key] != CLEAN]
            try:
                examples = [
                    make_example(codec, key, table[key], read(self.mixtures.paths["mixture"][key], codec.sample_rate))
                    for key in progress(keys, desc=f"probe {probe}")
                ]
                self.results += token_results(probe, examples)
            except ValueError as problem:
                self._skip(f"{probe} is skipped: {problem}")

    def probe_phones(self, codec: DeCodec, voice: str | Path, snr: str, count: int = MAX_SENTENCES) -> None:
        """Phones of a Festival voice from the tokens, clean and with backgrounds of the set at an SNR.

        Raises:
            ValueError: if the voice cannot be used.
        """
        noisy = [key for key in self.keys if self.mixtures.conditions[key] not in (CLEAN, BACKGROUND_ONLY)]
        paths = dict.fromkeys(self.mixtures.paths["background"][key] for key in noisy)
        backgrounds = [read(path, codec.sample_rate) for path in paths][:count]
        self.results += phone_results(codec, voice, backgrounds, [snr, CLEAN] if backgrounds else [CLEAN], count)

    def _texts(self, speakers: Sequence[str]) -> dict[str, str]:
        """Texts of the recordings of these speakers."""
        table, owners = self.data / "text", self.mixtures.speakers
        texts = read_table(table) if table.is_file() else {}
        for speaker in speakers:
            if speaker not in owners.values():
                raise ValueError(f"{self.data} has no speaker {speaker!r}.")
        keys = [key for key in self.keys if key in texts and (not speakers or owners[key] in speakers)]
        if not keys:
            raise ValueError(f"No recording of {self.data} has a text: leave the probe `words` out.")
        return {key: texts[key] for key in keys}

    def _has_recognizer(self, name: str) -> bool:
        """Whether the recognizer is available here."""
        try:
            require_jiwer()
            self.recognizer = recognizer(name).about
        except Unavailable as problem:
            self._skip(f"words are skipped: {problem}")
            return False
        return True

    def _available(self, specs: Sequence[str]) -> dict[str, str]:
        """Name -> spec of the systems that are available here."""
        available = {}
        for name, spec in expand(specs).items():
            try:
                build(spec)
                available[name] = spec
            except Unavailable as problem:
                self._skip(f"{name} is skipped: {problem}")
        return available

    def _skip(self, line: str) -> None:
        self.skipped.append(line)
        self.warn(line)
