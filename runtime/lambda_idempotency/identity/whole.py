"""What an object has besides the content that makes its form: it would not tell two of them apart,
so an object with any of it is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sized
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from .refusals import UnusableError

_LEAVES: Final = (str, int, float, bool)
_CONTENTS: Final = (
    *(str, int, float, Decimal, bytes, bytearray),
    *(dict, list, tuple, set, frozenset),
)
"""The built-in types whose subclasses have a content, and can have attributes and fields, too."""


class View(dict[str, Any]):
    """The form of an object for expressions: what else it has is ours."""


def check_content(value: Any) -> None:
    """Raise `UnusableError` for a value of a built-in type's subclass that has attributes."""
    has_content = isinstance(value, _CONTENTS) and not isinstance(value, View)
    if has_content or any(base.__module__ == "datetime" for base in type(value).__mro__):
        _check(more=any(attributes(value)), value=value)


def check_fields(value: Any, names: Collection[str]) -> None:
    """Raise `UnusableError` for an object whose fields have these names and are not all of it."""
    kind = type(value)
    if hasattr(kind, "__pydantic_private__"):  # a model
        more = any(_private(value))
    else:
        has_content = isinstance(value, _CONTENTS) and not hasattr(kind, "_fields")
        more = has_content or any(name not in names for name in attributes(value))
    _check(more=more, value=value)


def attributes(value: Any) -> Iterator[str]:
    """Yield the names of the attributes that an object has itself. What a cached property has
    computed says nothing new; nor does the parameter that a generic class was called with."""
    kind = type(value)
    own = getattr(value, "__dict__", None)
    if own is not None and own is not value:  # a dict whose items are its attributes
        yield from (
            name
            for name in own
            if name != "__orig_class__"
            and not isinstance(getattr(kind, name, None), cached_property)
        )
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if not name.startswith("__") and hasattr(value, name):
                yield name


def _private(model: Any) -> Iterator[str]:
    """Yield the names of a model's private attributes that are not as they were made."""
    defaults = type(model).__private_attributes__
    for name, value in (model.__pydantic_private__ or {}).items():
        if value is None or (isinstance(value, Sized) and len(value) == 0):
            continue
        if type(value) not in _LEAVES or value != defaults[name].default:
            yield name


def _check(*, more: bool, value: Any) -> None:
    if more:
        raise UnusableError(
            f"it holds a {type(value).__name__}, which has more to it than its fields or content, "
            "such as attributes of its own"
        )
