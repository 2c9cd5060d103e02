"""Next speech tokens: a content level and learned coordinates with predicted scale factors, see README.md."""
