"""Leakage: what a recogniser, a detector and linear probes find where it should not be, or should be."""
