"""Probes of leakage between the stems, and of the information in the tokens: recognizer, detector, linear probes."""
