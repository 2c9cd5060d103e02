"""Systems to compare: codecs, denoisers and baselines from a mixture to stems of the same length."""
