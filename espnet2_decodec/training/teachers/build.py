"""Construction of a teacher from its specification in a config."""

import logging
from typing import Any

from espnet2_decodec.training.teachers.base import Teacher, TeacherUnavailable
from espnet2_decodec.training.teachers.mel import LogMelTeacher
from espnet2_decodec.training.teachers.self_supervised import SSLTeacher
from espnet2_decodec.training.teachers.whisper import WhisperTeacher, find_whisper

logger = logging.getLogger(__name__)


def build_teacher(spec: str | dict | None, sample_rate: int = 16000, hop: int = 320) -> Teacher | None:
    """Build a teacher for a codec.

    Args:
        spec: one of
            ``"whisper"`` (the installed packages), ``"whisper:FILE"`` (written by ``decodec recipe export_teacher``),
            ``"logmel"``, ``"auto"`` (Whisper if it is installed and has the codec's frames, else log-mel; logged),
            ``"hubert:FOLDER"`` (HuBERT, WavLM or wav2vec 2 of transformers), None (no teacher), or a dict with ``name``
            (any of these words), ``path`` and ``layer`` (ignored by log-mel).
        sample_rate: Hz of the codec.
        hop: samples per frame of the codec.

    Returns:
        The teacher, or None.

    Raises:
        TeacherUnavailable: if the weights, or the package that reads them, are not installed.
        ValueError: if the specification is invalid, or the teacher has another sample rate or hop than the codec.
    """
    if spec is None:
        return None
    given: dict[str, Any] = dict(zip(("name", "path"), spec.split(":", 1))) if isinstance(spec, str) else spec
    unknown = given.keys() - {"name", "path", "layer"}
    if unknown:
        raise ValueError(f"A teacher has no option {', '.join(map(repr, unknown))}: give name, path and layer.")
    name, path, layer = (given.get(key) for key in ("name", "path", "layer"))
    options: dict[str, Any] = {} if layer is None else {"layer": layer}
    if name == "auto" and not path:
        name = _choose(sample_rate, hop)
    teacher: Teacher
    if name == "whisper":
        teacher = WhisperTeacher.from_file(path, **options) if path else WhisperTeacher.from_package(**options)
    elif name == "logmel" and not path:
        teacher = LogMelTeacher(sample_rate, hop)
    elif name == "hubert" and path:
        teacher = SSLTeacher(path, **options)
    else:
        raise ValueError(f"There is no teacher {spec!r}: use whisper, whisper:FILE, logmel, auto or hubert:FOLDER.")
    if (teacher.sample_rate, teacher.hop) != (sample_rate, hop):
        raise ValueError(
            f"The teacher {teacher.name} has a hop of {teacher.hop} samples at {teacher.sample_rate} Hz, the codec one "
            f"of {hop} at {sample_rate} Hz: use logmel, or no teacher."
        )
    return teacher


def _choose(sample_rate: int, hop: int) -> str:
    """Whisper where it is possible, else log-mel."""
    if (sample_rate, hop) != (16000, 320):
        logger.warning("semantic teacher: logmel (Whisper has a hop of 320 samples at 16000 Hz)")
        return "logmel"
    try:
        find_whisper()
    except TeacherUnavailable as error:
        logger.warning("semantic teacher: logmel (%s)", error)
        return "logmel"
    logger.info("semantic teacher: whisper")
    return "whisper"
