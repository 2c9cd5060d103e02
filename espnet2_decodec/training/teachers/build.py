"""From a line of configuration to a teacher."""

import logging

from espnet2_decodec.training.teachers.base import Teacher, TeacherUnavailable
from espnet2_decodec.training.teachers.logmel import LogMelTeacher
from espnet2_decodec.training.teachers.self_supervised import SSLTeacher
from espnet2_decodec.training.teachers.whisper import WhisperTeacher, find_whisper

logger = logging.getLogger(__name__)


def build_teacher(spec: str | dict | None) -> Teacher | None:
    """Build a teacher.

    Args:
        spec: one of
            ``"whisper"`` (the installed packages), ``"whisper:FILE"`` (written by ``teachers.export``),
            ``"logmel"``, ``"auto"`` (Whisper if it is installed, else log-mel; one logged line says which),
            ``"hubert:FOLDER"`` (HuBERT, WavLM or wav2vec 2 of transformers), None (no teacher), or a dict
            with ``name`` (any of these words), ``path`` and ``layer`` (log-mel has none: it is left aside).

    Returns:
        The teacher, or None if none is wanted.

    Raises:
        TeacherUnavailable: if the weights, or the package that reads them, are not there.
        ValueError: if the spec is not understood.
    """
    if spec is None:
        return None
    if isinstance(spec, str):
        name, _, path = spec.partition(":")
        options = {"path": path} if path else {}
    else:
        options = dict(spec)
        name = options.pop("name", None)
    path, layer = options.pop("path", None), options.pop("layer", None)
    if options:
        raise ValueError(f"a teacher has no option {', '.join(map(repr, options))}: give name, path and layer")
    options = {} if layer is None else {"layer": layer}
    if name == "auto" and path is None:
        name = _choose()
    if name == "whisper":
        return WhisperTeacher.from_file(path, **options) if path else WhisperTeacher.from_package(**options)
    if name == "logmel" and path is None:
        return LogMelTeacher()
    if name == "hubert" and path is not None:
        return SSLTeacher(path, **options)
    raise ValueError(f"no teacher {spec!r}: use whisper, whisper:FILE, logmel, auto or hubert:FOLDER")


def _choose() -> str:
    try:
        find_whisper()
    except TeacherUnavailable as error:
        logger.warning("semantic teacher: logmel (%s)", error)
        return "logmel"
    logger.info("semantic teacher: whisper")
    return "whisper"
