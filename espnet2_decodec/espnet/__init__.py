"""ESPnet tasks. Their classes live in this package, so that worker processes that ESPnet spawns find them."""
