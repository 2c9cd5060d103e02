"""Programs in ESPnet's style: training, and inference of recognizers and of text-to-speech."""
