"""Checks of the app at synth."""
