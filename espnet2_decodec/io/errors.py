"""Exceptions for files, one class for each cause. Every message is one sentence that names the file."""


class FileError(ValueError):
    """Base class: the file cannot be read or written as requested."""


class MissingFileError(FileError):
    """The path does not exist, or is a folder."""


class OutputExistsError(FileError):
    """The output file exists already, and overwriting was not requested."""


class UnknownSuffixError(FileError):
    """The suffix of an output file stands for no format that can be written."""


class TruncatedFileError(FileError):
    """The file is shorter than its header states, or a part of it cannot be decoded."""


class AudioFormatError(FileError):
    """The content is not audio in a supported format."""


class EmptyAudioError(FileError):
    """The audio file has no samples."""


class NonFiniteAudioError(FileError):
    """The audio file has samples that are NaN or infinite."""


class AudioLevelError(FileError):
    """The audio file has samples far beyond full scale."""


class DcdFormatError(FileError):
    """The content is not that of a .dcd file."""


class DcdVersionError(FileError):
    """The .dcd file was written by a later version of the format."""


class ChecksumError(FileError):
    """The checksum of a .dcd file does not match its content."""


class ModelMismatchError(FileError):
    """The tokens were encoded by another model."""


class TokenFileError(FileError):
    """The .npy file does not hold tokens."""
