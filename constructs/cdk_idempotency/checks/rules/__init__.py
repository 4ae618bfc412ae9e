"""The rules: one per file, whose name is the rule's id."""
