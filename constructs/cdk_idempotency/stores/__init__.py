"""Where records live: the store factory, the stores, and how functions authenticate."""
