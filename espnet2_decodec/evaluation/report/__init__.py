"""A comparison of systems as one static page: tables, rate-distortion plots, and recordings to listen to."""
