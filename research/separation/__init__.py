"""Training and scoring of the separation: speech and background from a mixture."""
