"""The steps of a call that has no record: they run each time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from ..errors import ConfigurationError
from ..response.steps import StepForms
from .functions import awaited, finished

_FORMS: Final = StepForms(key="unprotected", owner="")


def unrecorded(name: str, function: Callable[[], Any], writes: Iterable[Any]) -> Any:
    """Run a step of a call that has no record. Return the result as a recorded one would be."""
    _check_no_writes(name, writes)
    return _as_recorded(name, finished(name, function()))


async def unrecorded_async(name: str, function: Callable[[], Any], writes: Iterable[Any]) -> Any:
    """Do as `unrecorded` does, on the running event loop."""
    _check_no_writes(name, writes)
    return _as_recorded(name, await awaited(name, function()))


def _check_no_writes(name: str, writes: Iterable[Any]) -> None:
    if tuple(writes):
        raise ConfigurationError(
            f"step {name!r} cannot have writes here: this call has no record to commit with"
        )


def _as_recorded(name: str, result: Any) -> Any:
    form = _FORMS.recorded(name, result)
    return result if form.data is None else _FORMS.result_of(name, form)
