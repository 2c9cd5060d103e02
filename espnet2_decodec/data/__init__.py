"""Whole Kaldi-style sets: their tables, their audio, and passing all of a set through the codec."""
