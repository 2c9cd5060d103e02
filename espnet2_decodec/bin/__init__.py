"""python -m entry points, a few lines each."""
