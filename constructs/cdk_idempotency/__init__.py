"""AWS CDK construct: idempotency for Python Lambda functions.

idempotency = Idempotency(self, "Idempotency")
idempotency.attach(payments)
"""

from lambda_idempotency.contract.names import VERSION

from .http_profile import HttpProfile
from .idempotency import Idempotency
from .monitoring.options import AlarmOptions
from .options import IdempotencyOptions
from .rotation.redis_rotation import RedisRotation, RotationFunctionOptions
from .stores.credentials import RedisCredentials
from .stores.factory import IdempotencyStore

__version__ = VERSION

__all__ = [
    "AlarmOptions",
    "HttpProfile",
    "Idempotency",
    "IdempotencyOptions",
    "IdempotencyStore",
    "RedisCredentials",
    "RedisRotation",
    "RotationFunctionOptions",
]
