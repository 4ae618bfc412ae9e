"""Routes from functions in a VPC to a cache and to AWS services."""
