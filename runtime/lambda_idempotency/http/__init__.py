"""HTTP mode: requests of API Gateway, function URLs and load balancers, and their answers.

Loaded when the first HTTP event comes, or at the start if the settings name it.
"""
