"""The app as the rules see it."""
