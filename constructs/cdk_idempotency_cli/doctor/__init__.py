"""What is deployed, held against what was synthesized: a file for each kind of thing."""
