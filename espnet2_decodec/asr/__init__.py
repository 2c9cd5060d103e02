"""Data and scores of the recipe's speech recognition; the recognizer itself is ESPnet's."""
