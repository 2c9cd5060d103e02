"""Metrics, systems to compare, benchmarks on test mixtures, probes, and scores of ASR, TTS and voice conversion."""

SAMPLE_RATE = 16000
"""Hz at which everything is scored: wide-band PESQ, DNSMOS and the recognizers are defined at this rate only."""
