"""AWS CDK construct: attach idempotency to Python Lambda functions.

idempotency = Idempotency(self, "Idempotency")
idempotency.attach(payments)
"""

from .http_profile import HttpProfile
from .idempotency import Idempotency
from .options import Behaviour
from .rotation.function import RedisRotation
from .stores.credentials import RedisCredentials
from .stores.factory import IdempotencyStore

__all__ = [
    "Behaviour",
    "HttpProfile",
    "Idempotency",
    "IdempotencyStore",
    "RedisCredentials",
    "RedisRotation",
]
