"""Metrics: energy ratios, mel distance, PESQ, STOI, DNSMOS, speaker similarity, error rates, and intervals of means."""
