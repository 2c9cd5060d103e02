"""Corpus preparation: from packages, from what lies in this repository, or from the user's folders."""
