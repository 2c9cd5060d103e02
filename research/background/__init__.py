"""Training and scores of the background stream."""
