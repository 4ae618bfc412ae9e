"""Python values that JSON does not have: what each of them says, and what tells it from others.

Keys and expressions read them by the same table. Types are recognized without importing their
modules: where there is a pydantic model, pydantic has been imported.

- A text of a certain kind (UUID, date, address, path, URL, secret) is that text.
- A class that a user writes (dataclass, pydantic, attrs, NamedTuple, Enum) is a part of its values:
  `Card("1")` is not `Voucher("1")`.
- So are bytes, sets, patterns and interfaces of networks, whose texts could mean something else.
- Anything else is what pydantic writes in JSON mode, and is refused if it writes nothing.
"""

from __future__ import annotations

import json
import sys
from binascii import b2a_base64
from collections.abc import Iterable, Mapping, Sized
from decimal import Decimal
from enum import Flag
from functools import lru_cache
from typing import Any, Final

from ..tuples import NamedTuple
from .models import alias_of, extra_of_model, fields_of_model, is_version_2, root_of
from .refusals import UnusableError
from .whole import View, attributes, check_content, check_fields

SET: Final = "set"
"""The kind of a form whose parts have no order."""

MAPPINGS: Final = (dict, Mapping)
"""The types of a value with names: almost all are dicts, and to ask `Mapping` alone takes long."""


def as_mapping(value: Any) -> Mapping[str, Any]:
    """Return a value with names; any other reads as empty."""
    # Most of what is not there is None, which `Mapping` takes long to refuse.
    return value if value is not None and isinstance(value, MAPPINGS) else {}


_SIZED: Final = (str, dict, list, Sized)  # most values are one of the first, which is fast to ask
_LEAVES: Final = frozenset({str, int, float, bool, type(None)})
_JSON_LIKE: Final = (str, int, float, Decimal, Mapping, list, tuple)
_PARTLESS: Final = (*_JSON_LIKE, bytes, bytearray, memoryview, set, frozenset)


class Form(NamedTuple):
    """A value as one that JSON has, or whose parts have a form. `kind` '': the content says all."""

    kind: str
    content: Any


class Members(View):
    """The members of an object, by the names that they have in JSON. `get` takes those of its
    attributes, too."""

    def __init__(self, members: Iterable[tuple[str, str, Any]]) -> None:
        self._names: dict[str, str] = {}
        super().__init__()
        for attribute, name, value in members:
            self._names[attribute] = name
            self[name] = value

    def get(self, name: str, default: Any = None) -> Any:
        """Return the member of this name."""
        return super().get(name if name in self else self._names.get(name, name), default)


def is_empty(value: Any) -> bool:
    """Tell whether a value is null or empty. 0 and False are not."""
    return value is None or (isinstance(value, _SIZED) and len(value) == 0)


def form_of(value: Any) -> Form | None:
    """Return the form of a value; None for a kind of text, number, list or mapping that is no more
    than that. Raises `UnusableError` if there is none."""
    kind = type(value)
    if hasattr(kind, "__members__"):  # Enum; the combinations of a Flag may have no name
        return Form(class_name(kind), _member_of_enum(value))
    if (names := _attributes(kind)) is not None:
        content = _valued(value, names)
        check_fields(value, content)
        return Form(class_name(kind), content)
    check_content(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return Form("bytes", b2a_base64(bytes(value), newline=False).decode())
    if isinstance(value, set | frozenset):
        return Form(SET, list(value))
    if isinstance(value, _JSON_LIKE):
        return None
    return _standard(value) or _written_by_pydantic(value) or _refuse(kind)


def plain(value: Any) -> Any:
    """Return a value in JSON's types, at every depth. Raises `UnusableError`."""
    kind = type(value)
    if kind in _LEAVES:
        return value
    if hasattr(kind, "__members__"):
        return plain(value.value)
    if (members := members_of(value)) is not None:
        for name, part in members.items():
            members[name] = plain(part)
        return members
    if (parts := items_of(value)) is not None:
        return [plain(part) for part in parts]
    if isinstance(value, Mapping):
        found = {_name(name): plain(part) for name, part in value.items()}
        if len(found) != len(value):
            raise UnusableError("it has an object with the same name twice")
        return found
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, str):  # of a subclass, such as one that marks a text as safe
        return str.__str__(value)
    if isinstance(value, int | float):
        return int(value) if isinstance(value, int) else float(value)
    root = root_of(value)
    form = form_of(root)
    return plain(root if form is None else form.content)


def members_of(value: Any) -> Members | None:
    """Return the members of an object whose class names them, unconverted; else None.

    A field of a model that was not given, and is null, is not there, as in the JSON.
    """
    value = root_of(value)
    kind = type(value)
    names = _attributes(kind)
    if names is None:
        return None
    found = _valued(value, names)
    if (fields := fields_of_model(kind)) is None:
        return Members((name, name, part) for name, part in found.items())
    given = value.model_fields_set if is_version_2(kind) else value.__fields_set__
    return Members(
        (name, alias_of(fields, name), part)
        for name, part in found.items()
        if part is not None or name in given
    )


def member(value: Any, name: str) -> Any:
    """Return a member of an object, or None: what the JMESPath expression `name` selects. Raises
    `UnusableError` for an object that can have an attribute of the name, which is no member."""
    if isinstance(value, dict):
        return value.get(name)
    if type(value) in _LEAVES or isinstance(value, list):
        return None
    value = root_of(value)
    if isinstance(value, Mapping):
        return value.get(name)
    members = members_of(value)
    found = None if members is None else members.get(name)
    if found is None and _hides(value, name):
        raise UnusableError(
            f"it asks for {name!r} of a {type(value).__name__}, which is no field that JMESPath "
            "sees; pass a callable that returns it"
        )
    return found


def declares(value: Any, name: str) -> bool:
    """Tell whether the class of an object leaves room for a member of this name in JSON."""
    value = root_of(value)
    kind: Any = type(value)
    names = _attributes(kind)
    fields = fields_of_model(kind)
    if names is None or (fields is not None and extra_of_model(kind) == "allow"):
        return True
    return any(name in (field, alias_of(fields or {}, field)) for field in names)


def items_of(value: Any) -> list[Any] | None:
    """Return the items of a list, or of what JSON writes as one; else None."""
    value = root_of(value)
    if isinstance(value, list):
        return value
    if isinstance(value, set | frozenset):
        return sorted(value, key=lambda part: json.dumps(plain(part), sort_keys=True, default=str))
    if isinstance(value, tuple):
        return None if hasattr(value, "_fields") else list(value)
    return list(value) if _is_deque(type(value)) else None


# Classes with members -----------------------------------------------------------------------------


def _attributes(kind: Any) -> Iterable[str] | None:
    """Return the names of the attributes that make the values of a class, None if nothing says it.

    All fields count, also those that a class leaves out of its text or of its JSON: two cards that
    are printed as `****1234` are two.
    """
    if (of_model := fields_of_model(kind)) is not None:
        return of_model
    if hasattr(kind, "__dataclass_fields__"):
        from dataclasses import fields  # not at the top: it costs 10 ms of a cold start

        return [field.name for field in fields(kind)]
    if hasattr(kind, "__attrs_attrs__"):
        return [attribute.name for attribute in kind.__attrs_attrs__]
    return getattr(kind, "_fields", None) if issubclass(kind, tuple) else None


def _hides(value: Any, name: str) -> bool:
    """Tell whether an object can have an attribute of this name that is none of its fields: a
    property, say, or anything where nothing tells its fields."""
    kind = type(value)
    names = _attributes(kind)
    if names is None and not hasattr(kind, "__members__"):
        if isinstance(value, _PARTLESS):
            return False
        if _standard(value) is None:
            return True
    return name not in (names or ()) and (
        hasattr(kind, name) or name in getattr(value, "__dict__", ())
    )


def _valued(value: Any, names: Iterable[str]) -> dict[str, Any]:
    kind = type(value)
    found = {name: getattr(value, name) for name in names if hasattr(value, name)}
    if is_version_2(kind):
        return found | (value.model_extra or {})
    if fields_of_model(kind) is not None:
        return {**found, **value.__dict__}
    if getattr(kind, "__pydantic_config__", {}).get("extra") == "allow":  # a dataclass of pydantic
        return {name: getattr(value, name) for name in attributes(value)} | found
    return found


def _member_of_enum(value: Any) -> Any:
    if isinstance(value, Flag):
        return value.value
    # Two Enums that a function makes have one name, and what they mean by theirs can differ.
    return [value.name, value.value] if "<locals>" in type(value).__qualname__ else value.name


def class_name(kind: type) -> str:
    """Return the name that tells a class from others."""
    return f"{kind.__module__}.{kind.__qualname__}"


# Values -------------------------------------------------------------------------------------------


def _standard(value: Any) -> Form | None:
    """Return the form of a type of the standard library, of a secret or of a URL."""
    kind = type(value)
    homes = {base.__module__.partition(".")[0] for base in kind.__mro__}
    if "uuid" in homes:
        return Form("", str(value))
    if "datetime" in homes and hasattr(value, "isoformat"):
        # Without an offset, the text is that of both hours when a clock is set back.
        second = getattr(value, "fold", 0) and value.utcoffset() is None
        return Form("fold" if second else "", value.isoformat())
    if "datetime" in homes and hasattr(value, "total_seconds"):  # ISO 8601, one text for each
        seconds = f"{value.seconds}.{value.microseconds:06}".rstrip("0").rstrip(".")
        return Form("", f"P{value.days}DT{seconds}S")
    if "ipaddress" in homes:
        return Form("interface" if hasattr(value, "network") else "", str(value))
    if hasattr(kind, "__fspath__"):
        return Form("", value.__fspath__())
    if "re" in homes and hasattr(value, "flags"):
        return Form("pattern", [value.pattern, int(value.flags)])
    if _is_deque(kind):
        return Form("", list(value))
    if "pydantic" in homes and hasattr(kind, "get_secret_value"):  # it is hashed, and never shown
        return Form("", value.get_secret_value())
    if homes & {"pydantic", "pydantic_core"} and hasattr(kind, "unicode_string"):  # a URL
        return Form("", str(value))
    return None


def _is_deque(kind: type) -> bool:
    return kind.__module__ == "collections" and kind.__qualname__ == "deque"


def _written_by_pydantic(value: Any) -> Form | None:
    """Return what pydantic writes in JSON mode, where the process has it; None if that is nothing,
    or less than the value: what it reads from it must be equal."""
    if "pydantic" not in sys.modules:
        return None
    kind: Any = type(value)
    try:
        adapter = _adapter(kind)
        written = adapter.dump_python(value, mode="json", warnings="error")
        read = adapter.validate_json(json.dumps(written))
        whole = type(read) is kind and bool(read == value)
    except Exception:  # noqa: BLE001 - it has no schema; the error's text can quote the value
        return None
    return Form(class_name(kind), written) if whole else None


@lru_cache
def _adapter(kind: Any) -> Any:
    return sys.modules["pydantic"].TypeAdapter(kind)


def _refuse(kind: type) -> Form:
    raise UnusableError(f"it holds a {kind.__name__}, which JSON does not have")


def _number(value: Decimal) -> float | Decimal:
    """Return a float if it is exact, which is what JMESPath's functions take for a number."""
    if value.is_finite() and Decimal(repr(number := float(value))) == value:
        return number
    return value


def _name(name: Any) -> str:
    if type(name) is str:
        return name
    text = plain(name)
    return text if isinstance(text, str) else json.dumps(text)
