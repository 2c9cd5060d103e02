"""All probes on a folder of test mixtures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from espnet2_decodec.codec.decodec import DeCodec
from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.data.mixtures import BACKGROUND_ONLY, CLEAN, NO_LABEL
from espnet2_decodec.data.parallel import parallel_map
from espnet2_decodec.evaluation.metrics.error_rate import require_jiwer
from espnet2_decodec.evaluation.metrics.recognizers import recognizer
from espnet2_decodec.evaluation.mixture_set import MixtureSet
from espnet2_decodec.evaluation.probes.listening import TRUTH, Listener, Notes, Work
from espnet2_decodec.evaluation.probes.noise import detector_lines, pause_lines
from espnet2_decodec.evaluation.probes.phones import SENTENCES, phone_lines
from espnet2_decodec.evaluation.probes.tables import Line
from espnet2_decodec.evaluation.probes.tokens import example, token_lines
from espnet2_decodec.evaluation.probes.words import word_lines
from espnet2_decodec.evaluation.systems import specs
from espnet2_decodec.evaluation.systems.base import Unavailable
from espnet2_decodec.io.audio import read

PROBES = ("words", "noise", "tokens", "phones")


@dataclass
class Findings:
    """What came out: lines of the tables, one line for each thing that was left out, and the recogniser that was used."""

    lines: list[Line] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    judge: str = "none"


class Probing:
    """Probes on the recordings of one set.

    Args:
        data: folder that `make_mixtures` wrote; words need its table text.
        limit: the first recordings of each condition only; None for all.
        conditions: some of those of the set; empty for all.
        tell: gets a line for each thing that is left out.

    Raises:
        ValueError: if the set cannot be used, or has no such condition.
    """

    def __init__(
        self,
        data: str | Path,
        limit: int | None = None,
        conditions: Sequence[str] = (),
        tell: Callable[[str], None] = lambda line: None,
    ):
        self.data, self.set = Path(data), MixtureSet(data)
        self.keys = self.set.select(conditions, limit)
        self.found, self.tell = Findings(), tell

    def stems(
        self, wanted: Sequence[str], judge: str | None, language: str, speakers: Sequence[str], noise: bool, jobs: int
    ):
        """Words and background in the stems of systems.

        Args:
            wanted: specs of systems, as for `compare`; the true stems are looked at as well.
            judge: name of a recogniser; None for no words.
            language: ISO 639-1 code of the texts.
            speakers: those whose words are looked for; empty for all.
            noise: whether background in the speech stems is looked for.
            jobs: processes.

        Raises:
            ValueError: if a spec, a recogniser or a speaker is unknown, or no recording has a text.
        """
        texts = self._texts(speakers) if judge else {}
        judge = self._judge(judge) if judge else None
        if judge is None and not noise:
            return
        systems = self._systems(wanted)
        work = [
            Work(name, spec, key, key in texts)
            for name, spec in {TRUTH: TRUTH, **systems}.items()
            for key in self.keys
            if noise or key in texts
        ]
        listener = partial(Listener, self.data, judge, language)
        notes: list[Notes] = list(parallel_map(listener, work, jobs, "listening"))
        conditions = self.set.conditions
        if judge:
            self.found.lines += word_lines(notes, texts, conditions)
        if noise:
            self.found.lines += pause_lines(notes, conditions)
            try:
                self.found.lines += detector_lines(notes, conditions, self.set.speakers)
            except ValueError as problem:
                self._skip(f"detector is skipped: {problem}")

    def tokens(self, codec: DeCodec) -> None:
        """Speaker and class of the background from the tokens."""
        classes = self.data / "utt2background"
        labels = {"speaker": self.set.speakers, "background": read_table(classes) if classes.is_file() else {}}
        for probe, table in labels.items():
            keys = [key for key in self.keys if table.get(key, NO_LABEL) != NO_LABEL]
            if probe == "background":
                keys = [key for key in keys if self.set.conditions[key] != CLEAN]
            wavs = (read(self.set.paths["mixture"][key], codec.sample_rate) for key in keys)
            try:
                examples = [example(codec, key, table[key], wav) for key, wav in zip(keys, wavs)]
                self.found.lines += token_lines(probe, examples)
            except ValueError as problem:
                self._skip(f"{probe} is skipped: {problem}")

    def phones(self, codec: DeCodec, voice: str | Path, snr: str, count: int = SENTENCES) -> None:
        """Phones of a Festival voice from the tokens, clean and with backgrounds of the set at an SNR.

        Raises:
            ValueError: if the voice cannot be used.
        """
        alone = [key for key in self.keys if self.set.conditions[key] not in (CLEAN, BACKGROUND_ONLY)]
        paths = [self.set.paths["background"][key] for key in alone]
        sounds = [read(path, codec.sample_rate) for path in dict.fromkeys(paths)][:count]
        self.found.lines += phone_lines(codec, voice, sounds, [snr, CLEAN] if sounds else [CLEAN], count)

    def _texts(self, speakers: Sequence[str]) -> dict[str, str]:
        """What is said in the recordings of these speakers."""
        table = self.data / "text"
        texts = read_table(table) if table.is_file() else {}
        for speaker in speakers:
            if speaker not in self.set.speakers.values():
                raise ValueError(f"{self.data} has no speaker {speaker!r}.")
        found = {
            key: texts[key]
            for key in self.keys
            if key in texts and (not speakers or self.set.speakers[key] in speakers)
        }
        if not found:
            raise ValueError(
                f"No recording of {self.data} has a text, so no words can be looked for: leave that probe out."
            )
        return found

    def _judge(self, name: str) -> str | None:
        """The recogniser's name, None where it cannot be had."""
        try:
            require_jiwer()
            self.found.judge = recognizer(name).about
        except Unavailable as problem:
            self._skip(f"words are skipped: {problem}")
            return None
        return name

    def _systems(self, wanted: Sequence[str]) -> dict[str, str]:
        """Name -> spec of those that can be had."""
        found = {}
        for name, spec in specs.expand(wanted).items():
            try:
                specs.build(spec)
                found[name] = spec
            except Unavailable as problem:
                self._skip(f"{name} is skipped: {problem}")
        return found

    def _skip(self, line: str) -> None:
        self.found.skipped.append(line)
        self.tell(line)
