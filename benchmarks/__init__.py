"""`make bench`: this library, its peers and the raw clients, side by side in one run."""
