"""Reading and writing of audio files and token files."""
