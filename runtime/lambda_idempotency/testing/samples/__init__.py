"""Events of every source in docs/keys.md, in their documented shapes."""
