"""Systems to compare: each takes a mixture to stems of the same length, at a bit rate or at none."""
