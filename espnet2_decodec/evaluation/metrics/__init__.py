"""Metrics of signals, of speech quality, and of recognized words."""
