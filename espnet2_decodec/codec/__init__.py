"""The codec itself: torch only."""
