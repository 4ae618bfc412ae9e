"""Settings as rows: a row is a name, a type, the kind of its values, a default and a meaning.

    lease: Annotated[float | None, Seconds(least=0.001)] = None
    \"\"\"How long an attempt may hold its key.\"\"\"

A module with rows has no `from __future__ import annotations`, which would turn them into strings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform

from ..errors import ConfigurationError
from .kinds import Kind

if TYPE_CHECKING:
    from inspect import Signature


def kinds_of(form: type) -> dict[str, Kind]:
    """Return the kinds of a class's rows, by name; fields that are not `Annotated` are not rows."""
    hints = form.__annotations__
    return {
        name: hint.__metadata__[0] for name, hint in hints.items() if hasattr(hint, "__metadata__")
    }


def has_no(noun: str, name: str, known: Iterable[str]) -> str:
    """Return the text of an error for an unknown name, with the nearest known one."""
    from difflib import get_close_matches

    names = list(known)
    near = get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"has no {noun} {name!r}{hint} The {noun}s are {', '.join(names)}"


class _Signature:
    """The keywords of a class of rows for `inspect`, made when they are asked for."""

    def __get__(self, instance: object, owner: type[Rows]) -> Signature:
        from inspect import Parameter, Signature

        hints = owner.__annotations__
        return Signature(
            [
                Parameter(
                    name, Parameter.KEYWORD_ONLY, default=default, annotation=hints[name].__origin__
                )
                for name, default in owner.defaults.items()
            ]
        )


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Rows:
    """Base of classes of rows: immutable values, given by keyword, the others by default.

    None is accepted where it is the default. Raises `ConfigurationError`: for an invalid value,
    naming the row, the value and what is expected; for an unknown name, with the nearest one.
    """

    kinds: ClassVar[Mapping[str, Kind]]
    defaults: ClassVar[Mapping[str, Any]]
    _noun: ClassVar[str]
    _prefix: ClassVar[str]

    __signature__ = _Signature()

    def __init_subclass__(cls, *, noun: str | None = None, prefix: str = "") -> None:
        if noun is None:
            return  # a subclass of a class of rows has the rows of that
        cls.kinds = kinds_of(cls)
        cls.defaults = {name: vars(cls)[name] for name in cls.kinds}
        cls._noun, cls._prefix = noun, prefix

    def __init__(self, **values: Any) -> None:
        if unknown := values.keys() - self.kinds.keys():
            raise ConfigurationError(
                f"{type(self).__name__} {has_no(self._noun, min(unknown), self.kinds)}"
            )
        for name, value in values.items():
            self._check(name, value)
        self.__dict__.update({**self.defaults, **values})

    @classmethod
    def _check(cls, name: str, value: object) -> None:
        if value is not None or cls.defaults[name] is not None:
            cls.kinds[name].check(cls._prefix + name, value)

    def _changed(self) -> dict[str, Any]:
        """Return the values that differ from their defaults."""
        return {name: value for name, value in vars(self).items() if value != self.defaults[name]}

    def overridden(self, **values: Any) -> Self:
        """Return a copy with some values replaced."""
        return type(self)(**{**vars(self), **values})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable; see overridden()")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable; see overridden()")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def __repr__(self) -> str:
        changed = (f"{name}={value!r}" for name, value in self._changed().items())
        return f"{type(self).__name__}({', '.join(changed)})"
