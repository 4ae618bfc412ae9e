"""The value classes of this package: tuples with named fields, which take a tenth of the time to
define.

    class Absent(NamedTuple):
        now: int

It is `typing.NamedTuple` in all but its cost, and for type checkers. That one compiles a
constructor for each class, and each annotation that is a text; a cold start defines some sixty
classes. Here the constructors are compiled with this module, one for each number of fields: a class
takes the one of its number, and gives the parameters its fields' names.
"""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

__all__ = ["NamedTuple"]

try:
    from _collections import _tuplegetter as _getter  # type: ignore[import-not-found]
except ImportError:  # another interpreter than CPython
    from operator import itemgetter

    def _getter(index: int, _: str) -> property:
        return property(itemgetter(index))


_new: Final = tuple.__new__

_CONSTRUCTORS: Final = (
    lambda _cls: _new(_cls, ()),
    lambda _cls, a: _new(_cls, (a,)),
    lambda _cls, a, b: _new(_cls, (a, b)),
    lambda _cls, a, b, c: _new(_cls, (a, b, c)),
    lambda _cls, a, b, c, d: _new(_cls, (a, b, c, d)),
    lambda _cls, a, b, c, d, e: _new(_cls, (a, b, c, d, e)),
    lambda _cls, a, b, c, d, e, f: _new(_cls, (a, b, c, d, e, f)),
    lambda _cls, a, b, c, d, e, f, g: _new(_cls, (a, b, c, d, e, f, g)),
    lambda _cls, a, b, c, d, e, f, g, h: _new(_cls, (a, b, c, d, e, f, g, h)),
    lambda _cls, a, b, c, d, e, f, g, h, i: _new(_cls, (a, b, c, d, e, f, g, h, i)),
    lambda _cls, a, b, c, d, e, f, g, h, i, j: _new(_cls, (a, b, c, d, e, f, g, h, i, j)),
    lambda _cls, a, b, c, d, e, f, g, h, i, j, k: _new(_cls, (a, b, c, d, e, f, g, h, i, j, k)),
    lambda _cls, a, b, c, d, e, f, g, h, i, j, k, o: _new(
        _cls, (a, b, c, d, e, f, g, h, i, j, k, o)
    ),
    lambda _cls, a, b, c, d, e, f, g, h, i, j, k, o, p: _new(
        _cls, (a, b, c, d, e, f, g, h, i, j, k, o, p)
    ),
    lambda _cls, a, b, c, d, e, f, g, h, i, j, k, o, p, q: _new(
        _cls, (a, b, c, d, e, f, g, h, i, j, k, o, p, q)
    ),
    lambda _cls, a, b, c, d, e, f, g, h, i, j, k, o, p, q, r: _new(
        _cls, (a, b, c, d, e, f, g, h, i, j, k, o, p, q, r)
    ),
    lambda _cls, a, b, c, d, e, f, g, h, i, j, k, o, p, q, r, s: _new(
        _cls, (a, b, c, d, e, f, g, h, i, j, k, o, p, q, r, s)
    ),
)


class _Value(tuple[Any, ...]):
    """What all value classes have in common."""

    __slots__ = ()
    if TYPE_CHECKING:  # else it would be a field in the eyes of `typing.get_type_hints`
        _fields: tuple[str, ...]

    @classmethod
    def _make(cls, values: Any) -> _Value:
        return cls(*values)

    def _replace(self, /, **changes: Any) -> _Value:
        changed = _new(type(self), map(changes.pop, self._fields, self))
        if changes:
            raise ValueError(f"{type(self).__name__} has no field {', '.join(changes)}")
        return changed

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)

    def __repr__(self) -> str:
        fields = ", ".join([f"{name}={value!r}" for name, value in self._asdict().items()])
        return f"{type(self).__name__}({fields})"


class _Definition(type):
    """Makes an ordinary class, derived from `_Value`, of what is written as `NamedTuple`."""

    def __new__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **_: Any
    ) -> type:
        namespace["__slots__"] = ()
        defined = type.__new__(type, name, (_Value, *bases[1:]), namespace)
        fields = tuple(defined.__annotations__)
        setattr(defined, "__match_args__", fields)  # noqa: B010 - mypy forbids the statement
        code = _CONSTRUCTORS[len(fields)].__code__.replace(
            co_varnames=("_cls", *fields),
            co_name="__new__",
            co_qualname=f"{defined.__qualname__}.__new__",
        )
        given = {field: namespace[field] for field in fields if field in namespace}
        made: Any = defined
        made.__new__ = FunctionType(code, globals(), "__new__", tuple(given.values()))
        made._fields, made._field_defaults = fields, given
        for index, field in enumerate(fields):
            setattr(defined, field, _getter(index, field))
        return defined


if TYPE_CHECKING:
    from typing import NamedTuple
else:
    NamedTuple = type.__new__(_Definition, "NamedTuple", (), {})
