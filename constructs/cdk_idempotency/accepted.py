"""Values of the wrong type: each error names the prop, the value, and what is accepted.

A construct of the CDK is known by an attribute that all of its kind have: the CDK's interfaces are
protocols, which imported constructs meet without being of a class.
"""

from __future__ import annotations

from types import FunctionType, MethodType
from typing import Any, Final

from constructs import Construct, IConstruct

from .errors import ConstructError

KEY: Final = "a KMS Key, or an imported one"
"""What is accepted as a key."""


def check_type(scope: IConstruct, prop: str, value: object, kind: type, accepted: str) -> None:
    """Raise ConstructError unless the value is None or of this type."""
    if value is not None and not isinstance(value, kind):
        raise refused(scope, prop, value, accepted)


def check_attribute(
    scope: IConstruct, prop: str, value: Any, attribute: str, accepted: str
) -> None:
    """Raise ConstructError unless the value is None, or an object with this attribute."""
    if value is not None and not _has(value, attribute):
        raise refused(scope, prop, value, accepted)


def refused(scope: IConstruct, prop: str, value: object, accepted: str) -> ConstructError:
    """Return the error for a value of the wrong type."""
    return ConstructError(scope, f"{prop} is {shown(value)}; expected {accepted}")


def shown(value: object) -> str:
    """Return a value as errors show it: a construct by its path, code by its name."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, FunctionType | MethodType):
        return f"the function {value.__name__}, not its result"
    if value is not None and Construct.is_construct(value):
        return f"the {type(value).__name__} {value.node.path}"  # type: ignore[attr-defined]
    return repr(value)


def _has(value: object, attribute: str) -> bool:
    if isinstance(value, type):
        return False
    # Asked of the class first, it is no call to jsii. Some imported constructs alone know it.
    return hasattr(type(value), attribute) or hasattr(value, attribute)
