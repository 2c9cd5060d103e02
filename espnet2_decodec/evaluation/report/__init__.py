"""Static HTML pages: benchmark tables, rate-distortion plots, and audio players with spectrograms."""
