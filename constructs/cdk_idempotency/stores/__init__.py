"""The stores of records, what they grant, and the credentials of functions."""
