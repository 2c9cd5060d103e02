"""Recognize with ESPnet's program, `frontend: decodec` included.

Usage: python -m espnet2_decodec.bin.asr_inference --help
"""

from espnet2.bin.asr_inference import Speech2Text, get_parser, main

from espnet2_decodec.espnet import registry  # noqa: F401  registers the frontend
from espnet2_decodec.program import run_program, stop_on_signals

__all__ = ["Speech2Text", "get_parser", "main"]

if __name__ == "__main__":
    stop_on_signals()
    run_program(main)
