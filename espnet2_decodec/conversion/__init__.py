"""Voice conversion: the content of one recording in the voice of another."""
