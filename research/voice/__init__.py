"""Training of the voice model of the package."""
