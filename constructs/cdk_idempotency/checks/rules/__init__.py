"""The rules: one a file, and its name is its id."""
