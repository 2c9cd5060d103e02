#!/usr/bin/env python3
"""Turn `utterance speaker` lines into `speaker utterance utterance ...` lines: utt2spk_to_spk2utt.py < IN > OUT"""

import sys


def main() -> None:
    """Speakers sorted by bytes, as LC_ALL=C sort does; utterances in the order they come."""
    speakers: dict[str, list[str]] = {}
    for line in sys.stdin:
        utterance, speaker = line.split()
        speakers.setdefault(speaker, []).append(utterance)
    for speaker in sorted(speakers, key=str.encode):
        print(speaker, *speakers[speaker])


if __name__ == "__main__":
    main()
