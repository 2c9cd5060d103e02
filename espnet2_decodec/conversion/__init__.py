"""Voice conversion: the content of one recording in the voice of another."""

from espnet2_decodec.conversion.convert import METHODS, convert, convert_codes

__all__ = ["METHODS", "convert", "convert_codes"]
