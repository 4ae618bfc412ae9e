"""AWS CDK construct: attach idempotency to Python Lambda functions.

idempotency = Idempotency(self, "Idempotency")
idempotency.attach(payments)
"""

from .behaviour import Behaviour
from .http_profile import HttpProfile
from .idempotency import Idempotency
from .redis_credentials import RedisCredentials
from .rotation import RedisRotation
from .stores import IdempotencyStore

__all__ = [
    "Behaviour",
    "HttpProfile",
    "Idempotency",
    "IdempotencyStore",
    "RedisCredentials",
    "RedisRotation",
]
