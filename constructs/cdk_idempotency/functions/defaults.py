"""The timeout and the namespace of a function whose options name no lease and no namespace."""

from __future__ import annotations

from hashlib import sha256
from typing import Final, NamedTuple

from aws_cdk import Stack

from constructs import IConstruct
from lambda_idempotency.contract.settings import ConfigurationError, check_namespace

from ..accepted import check_type
from ..errors import ConstructError
from ..inspection import is_token
from .attachable import Attachable

TIMEOUT: Final = 3
"""Timeout of a function that sets none, in seconds
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html)."""


def timeout_of(function: Attachable) -> float:
    """Return the function's timeout in seconds, from which the lease follows."""
    timeout = function.properties.get("timeout", TIMEOUT)
    if isinstance(timeout, int | float) and timeout > 0:  # the CDK's number tokens are negative
        return timeout
    raise ConstructError(
        function.function,
        "its timeout is a CDK token, so the lease is not known at synth; pass lease=... to "
        "attach(), not less than the timeout",
    )


LONGEST: Final = 128
"""The longest namespace, in characters."""

LONGEST_PREFIX: Final = 64
"""The longest prefix, in characters: it stays whole in a namespace that is shortened."""

_DIGITS: Final = 16
"""Hexadecimal digits that stand for what is cut off."""


class TopStack(NamedTuple):
    """The top-level stack of a stack: an account has one of a name in a region, and the name of a
    nested stack is only known after the deployment."""

    name: str
    path: str

    @staticmethod
    def of(stack: Stack) -> TopStack:
        """Return the top-level stack that a stack is in, or is."""
        while (parent := stack.nested_stack_parent) is not None:
            stack = parent
        return TopStack(stack.stack_name, stack.node.path)


def default_namespace(path: str, top: TopStack, prefix: str | None) -> str:
    """Return the name of the function's top-level stack, and its construct path from there. A long
    one is shortened, with a hash of the whole."""
    namespace = prefixed(f"{top.name}/{path.removeprefix(top.path).lstrip('/')}", prefix)
    if len(namespace) <= LONGEST:
        return namespace
    digest = sha256(namespace.encode()).hexdigest()[:_DIGITS]
    return f"{namespace[: LONGEST - _DIGITS - 1]}-{digest}"


def prefixed(namespace: str, prefix: str | None) -> str:
    """Return the namespace behind the prefix, if there is one."""
    return namespace if prefix is None else f"{prefix}/{namespace}"


def checked_prefix(scope: IConstruct, prefix: str | None) -> str | None:
    """Return the prefix. Raise ConstructError unless namespaces can begin with it."""
    if prefix is None:
        return None
    _check(scope, "namespace_prefix", prefix)
    if len(prefix) > LONGEST_PREFIX or "/" in prefix:
        raise ConstructError(
            scope,
            f"namespace_prefix is {prefix!r}; expected at most {LONGEST_PREFIX} characters without "
            "a slash, which ends it in a namespace",
        )
    return prefix


def checked_namespace(scope: IConstruct, namespace: str) -> str:
    """Return the namespace. Raise ConstructError unless IAM can fence records under it."""
    _check(scope, "namespace", namespace, "; pass namespace=... to attach()")
    return namespace


def _check(scope: IConstruct, name: str, value: str, advice: str = "") -> None:
    check_type(scope, name, value, str, "a text")
    if is_token(value):
        raise ConstructError(
            scope, f"{name} is a CDK token; it is part of a policy: pass a text known at synth"
        )
    try:
        check_namespace(value, name=name)
    except ConfigurationError as error:
        raise ConstructError(scope, f"{error}{advice}") from None
