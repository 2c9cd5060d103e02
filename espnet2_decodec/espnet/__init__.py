"""ESPnet tasks and models, importable by the worker processes that ESPnet spawns."""
