"""The records of a store, as an operator reads and changes them."""
