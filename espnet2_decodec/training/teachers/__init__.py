"""Semantic teachers, whose features the first speech level or the content encoder predicts."""

from espnet2_decodec.training.teachers.base import Teacher, TeacherUnavailable
from espnet2_decodec.training.teachers.build import build_teacher
from espnet2_decodec.training.teachers.mel import LogMelTeacher
from espnet2_decodec.training.teachers.self_supervised import SSLTeacher
from espnet2_decodec.training.teachers.whisper import WhisperTeacher, find_whisper

__all__ = [
    "LogMelTeacher",
    "SSLTeacher",
    "Teacher",
    "TeacherUnavailable",
    "WhisperTeacher",
    "build_teacher",
    "find_whisper",
]
