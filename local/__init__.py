"""Corpus preparation: from packages, from the recordings in this repository, or from the user's own folders."""
