"""What can be wrong with a file, one class each. Every message is one sentence that names the file."""


class FileProblem(ValueError):
    """A file that cannot be read or written as asked."""


class MissingFile(FileProblem):
    """There is nothing at this path, or it is a folder."""


class NotAudio(FileProblem):
    """The content is not audio in a format that can be read."""


class EmptyAudio(FileProblem):
    """An audio file without a single sample."""


class NotFiniteAudio(FileProblem):
    """Samples that are NaN or infinite."""


class TruncatedFile(FileProblem):
    """The file ends before its header says."""


class UnknownFormat(FileProblem):
    """A suffix that names no format that can be written."""


class NotDcd(FileProblem):
    """The content is not that of a .dcd file."""


class NewerDcd(FileProblem):
    """A .dcd file of a later version of the format."""


class DamagedDcd(FileProblem):
    """The checksum of a .dcd file does not match its content."""


class WrongModel(FileProblem):
    """Tokens that another model made."""


class NotTokens(FileProblem):
    """A .npy file that does not hold tokens."""
