"""Measuring the codec: metrics, trivial answers beside them, scoring of the test mixtures, tables."""
