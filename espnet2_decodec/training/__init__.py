"""Training of the codec: losses, schedule, semantic teachers, and a plain loop. Torch alone is enough."""
