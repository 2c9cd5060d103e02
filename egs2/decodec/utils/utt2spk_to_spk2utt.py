#!/usr/bin/env python3
"""Convert lines `utterance speaker` to lines `speaker utterance utterance ...`.

utt2spk_to_spk2utt.py < IN > OUT
"""

import sys


def main() -> None:
    """Sort speakers by bytes, as LC_ALL=C sort does, and keep the order of utterances."""
    speakers: dict[str, list[str]] = {}
    for line in sys.stdin:
        utterance, speaker = line.split()
        speakers.setdefault(speaker, []).append(utterance)
    for speaker in sorted(speakers, key=str.encode):
        print(speaker, *speakers[speaker])


if __name__ == "__main__":
    main()
