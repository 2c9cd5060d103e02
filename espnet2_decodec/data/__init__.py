"""Data of training and evaluation: Kaldi tables, samplers, mixing, test mixtures, text, sets passed through a codec."""
