"""Files: audio in and out, and tokens."""
