"""A mixin: what is attached by `function.with_(...)`, or to all functions below a scope."""

from __future__ import annotations

from collections.abc import Callable

import jsii
from aws_cdk import aws_lambda as lambda_

from constructs import IConstruct, IMixin

from .functions.attachable import can_be_attached


@jsii.implements(IMixin)
class IdempotencyMixin:
    """Attaches each Python function that it is applied to, once."""

    def __init__(self, attach: Callable[[lambda_.Function], None]) -> None:
        self._attach = attach

    def supports(self, construct: IConstruct) -> bool:
        """Tell whether the construct is a Python function of this app."""
        return can_be_attached(construct)

    def apply_to(self, construct: IConstruct) -> None:
        """Attach the function."""
        assert isinstance(construct, lambda_.Function)
        self._attach(construct)
