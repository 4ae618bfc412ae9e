"""`make bench`: this library, Powertools for AWS Lambda and the raw clients, in one run."""
