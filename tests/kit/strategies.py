"""Hypothesis strategies for the input of parsers: values, JSON texts, texts with errors in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st

assert settings.default is not None
thorough: Final = settings(max_examples=max(300, settings.default.max_examples))
"""More examples than usual, for input from strangers; `make fuzz` has more than these."""

ANY_TEXT: Final = st.text(st.characters(), max_size=12)
"""Any Unicode text, lone surrogates included."""

_HOSTILE: Final = ("0", "-1", "1e999", "9" * 30, "4300", "0.1", "1" + "0" * 40, "e" + "9" * 25)
"""Numbers at which representations end."""

_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\n": "\\n", "\t": "\\t", "\b": "\\b"}


# Texts --------------------------------------------------------------------------------------------


@st.composite
def edited(draw: st.DrawFn, originals: st.SearchStrategy[str], words: Sequence[str] = ()) -> str:
    """Return a text as it is, or with a few places cut, doubled or replaced, often by one of
    `words`.
    """
    text = draw(originals)
    inserted = st.sampled_from((*words, *_HOSTILE)) | st.text(st.characters(), max_size=2)
    for _ in range(draw(st.sampled_from((0, 0, 1, 1, 2, 4)))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 8)))
        text = text[:start] + draw(inserted | st.just(text[start:end] * 2)) + text[end:]
    return text


# Values -------------------------------------------------------------------------------------------


def values(names: Sequence[str], numbers: Sequence[Any] = (0,)) -> st.SearchStrategy[Any]:
    """Return what a JSON parser, boto3 or a handler's author might pass; `names` and `numbers`
    occur in it.
    """
    small = st.integers(-128, 127)
    scalars = (
        st.sampled_from(names)
        | st.sampled_from(numbers)
        | st.sampled_from((None, True, False, "", 0, 1, 1.0, -0.0, "1"))
        | ANY_TEXT
        | small
        | st.builds(lambda number, part: number / part, small, st.sampled_from((1, 2, 10, 3)))
        | st.builds(
            lambda number, exponent: Decimal(number).scaleb(exponent),
            small,
            st.sampled_from((0, 1, -1, 3, -30)),
        )
    )
    return st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(names) | ANY_TEXT, inner, max_size=3)
        ),
        max_leaves=8,
    )


@st.composite
def respelled(draw: st.DrawFn, value: Any) -> Any:
    """Return the same value, made of other types and in another order."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, dict):
        return {name: draw(respelled(value[name])) for name in reversed(value)}
    if isinstance(value, list):
        return draw(st.sampled_from((list, tuple)))([draw(respelled(item)) for item in value])
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    spellings: list[Any] = [value, exact, exact.normalize(), exact.scaleb(2).scaleb(-2)]
    if exact == int(exact):
        spellings.append(int(exact))
    if Decimal(repr(float(exact))) == exact:
        spellings.append(float(exact))
    return draw(st.sampled_from(spellings))


# JSON ---------------------------------------------------------------------------------------------


@st.composite
def written(draw: st.DrawFn, value: Any) -> str:
    """Return one of the JSON texts that say a value."""
    space = draw(st.sampled_from(("", "", " ", "\n\t")))
    if value is None or isinstance(value, bool):
        return space + {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return space + _string(value, draw)
    if isinstance(value, dict):
        order = draw(st.permutations(list(value)))
        members = [f"{_string(name, draw)}{space}:{draw(written(value[name]))}" for name in order]
        return f"{space}{{{','.join(members)}{space}}}"
    if isinstance(value, list | tuple):
        return f"{space}[{','.join(draw(written(item)) for item in value)}{space}]"
    return space + _number(Decimal(repr(value)) if isinstance(value, float) else value, draw)


def _string(text: str, draw: Callable[[st.SearchStrategy[Any]], Any]) -> str:
    way = draw(st.sampled_from(("raw", "short", "units")))
    return f'"{"".join(_character(each, way) for each in text)}"'


def _character(character: str, way: str) -> str:
    if way == "units":
        units = character.encode("utf-16-be", "surrogatepass").hex()
        return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
    if character in _ESCAPES and (way == "short" or character in '"\\'):
        return _ESCAPES[character]
    return f"\\u{ord(character):04x}" if character < " " else character


def _number(value: int | Decimal, draw: Callable[[st.SearchStrategy[Any]], Any]) -> str:
    sign, parts, exponent = Decimal(value).as_tuple()
    assert isinstance(exponent, int)
    if abs(exponent) < 30 and draw(st.booleans()):
        return f"{Decimal(value):f}"
    zeros = draw(st.sampled_from((0, 0, 1, 2)))
    digits = "".join(map(str, parts)) + "0" * zeros
    point = draw(st.integers(0, len(digits)))
    exponent += point - zeros
    whole = digits[: len(digits) - point].lstrip("0") or "0"
    fraction = f".{digits[len(digits) - point :]}" if point else ""
    power = f"{draw(st.sampled_from('eE'))}{exponent:+d}" if exponent else ""
    return f"{'-' if sign else ''}{whole}{fraction}{power}"
