"""The recorded form of steps: one JSON text with what each has returned, compressed if it is large.

A step's result is what `json` reads back from what Lambda's client would send, so the first attempt
gets the value that later ones get.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from ..errors import ResponseUnavailableError, StoreError
from ..metrics.reporting import WARNING, log
from ..protocol.record import COMPLETED, NO_BODY, Record
from ..protocol.steps import Returned
from ..tuples import NamedTuple
from . import compression, lambda_json

if TYPE_CHECKING:
    from .offload import Objects

_IN_OBJECT: Final = (compression.IN_S3, compression.IN_S3_ZLIB)


class StepData(NamedTuple):
    """The result of a step in its recorded form: text, or the digest of an object that is named
    after `owner`. None: it could not be recorded."""

    data: str | None
    encoding: str | None = None
    owner: str | None = None


def recorded_form(result: Any, *, key: str, name: str) -> StepData:
    """Return a step's result in its recorded form. Never raises: the effect has happened."""
    try:
        return StepData(lambda_json.written(result))
    except Exception as error:  # noqa: BLE001 - see above
        why = error if isinstance(error, lambda_json.NotRecordableError) else type(error).__name__
        _warn(key, name, f"its result cannot be recorded ({why})")
        return StepData(None, NO_BODY)


def fitting(
    steps: Mapping[str, StepData],
    name: str,
    *,
    key: str,
    owner: str,
    max_data: int | None,
    objects: Objects | None,
) -> dict[str, StepData]:
    """Return the steps, in which the result of the last one is put into an object, or left out, if
    it is too large. Never raises."""
    fitted, data = dict(steps), steps[name].data
    if objects is not None and data is not None:
        fitted[name] = _offloaded(fitted[name], name, key, owner, objects)
    if max_data is None or len(packed(fitted)) <= max_data:
        return fitted
    if objects is not None and fitted[name].owner is None and data is not None:
        fitted[name] = _offloaded(fitted[name], name, key, owner, objects, max_data=0)
    if len(packed(fitted)) > max_data:
        _warn(
            key,
            name,
            f"with its result the record would have more than {max_data} bytes. Give Idempotency "
            "a bucket, large_responses=..., or return less",
        )
        fitted[name] = StepData(None, NO_BODY)
    return fitted


def _offloaded(
    step: StepData,
    name: str,
    key: str,
    owner: str,
    objects: Objects,
    *,
    max_data: int | None = None,
) -> StepData:
    # An attempt has one object for its answer, so each step has the name of an owner of its own.
    of_step = sha256(f"{owner} {name}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    ran = compression.pack(Returned(None, step.data), max_data=None)
    put = objects.offload(ran, key=key, owner=of_step, max_data=max_data)
    if put.encoding in _IN_OBJECT and isinstance(put.data, str):
        return StepData(put.data, put.encoding, of_step)
    return step


def packed(steps: Mapping[str, StepData]) -> str | bytes:
    """Return all steps in the form that a record holds."""
    text = json.dumps(
        {name: [part for part in step if part is not None] for name, step in steps.items()},
        separators=(",", ":"),
    )
    if len(text) <= compression.COMPRESSED_ABOVE:
        return text
    try:
        return compression.compressed(text.encode())
    except Exception:  # noqa: BLE001 - as for a response
        return text


def unpacked(key: str, steps: str | bytes | None) -> dict[str, StepData]:
    """Return the steps that a record holds. Raises `StoreError` if they are not readable."""
    if steps is None:
        return {}
    try:
        text = steps if isinstance(steps, str) else compression.decompressed(steps)
        return {name: _read(parts) for name, parts in json.loads(text or "").items()}
    except (ValueError, TypeError, AttributeError):
        raise StoreError(
            f"The steps of record {key} are not readable. Was the record edited? Nothing of this "
            "step ran."
        ) from None


def result_of(step: StepData, *, key: str, name: str, objects: Objects | None) -> Any:
    """Return the result of a recorded step. Raises `ResponseUnavailableError`, and `StoreError` if
    S3 cannot be reached."""
    record = Record(key, COMPLETED, step.owner or "", 0, 0, data=step.data, encoding=step.encoding)
    if objects is not None and compression.is_in_object(record):
        record = objects.fetch(record)
    try:
        return lambda_json.read(compression.unpack(record))
    except (ValueError, RecursionError, ResponseUnavailableError):
        raise ResponseUnavailableError(
            f"Step {name!r} under record {key} is done, but its result is not available: it was "
            "not JSON, too large for the store, or its object is gone. The step does not run again."
        ) from None


def _read(parts: list[str]) -> StepData:
    return StepData(None, NO_BODY) if parts == [NO_BODY] else StepData(*parts)


def _warn(key: str, name: str, why: str) -> None:
    log(
        WARNING,
        "%s: step %r: %s, so later attempts get ResponseUnavailableError in its place.",
        key,
        name,
        why,
    )
