"""The recorded form of steps: one JSON text with what each has returned, compressed if it is large.

A step's result is what `json` reads back from what Lambda's client would send, so the first attempt
gets the value that later ones get.
"""

from __future__ import annotations

import json
from binascii import b2a_base64
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ..errors import ResponseUnavailableError, StoreError
from ..metrics.reporting import WARNING, log
from ..protocol.record import COMPLETED, NO_BODY, Record
from ..protocol.steps import Returned
from ..tuples import NamedTuple
from . import compression, lambda_json
from .keeping import Keeping

if TYPE_CHECKING:
    from .data_keys import DataKey
    from .offload import Objects


class StepData(NamedTuple):
    """The result of a step in its recorded form: text (base64 where it is encrypted), or the digest
    of an object that is named after `owner`. None: it could not be recorded."""

    data: str | None
    encoding: str | None = None
    owner: str | None = None


class StepForms(NamedTuple):
    """The recorded forms of the steps of one call, whose record is `key`. `data_key` encrypts them,
    where `keeping` says so."""

    key: str
    owner: str
    max_data: int | None = None
    keeping: Keeping = Keeping()
    data_key: DataKey | None = None

    def recorded(self, name: str, result: Any) -> StepData:
        """Return a step's result in its plain form. Never raises: the effect has happened."""
        try:
            return StepData(lambda_json.written(result))
        except Exception as error:  # noqa: BLE001 - see above
            known = isinstance(error, lambda_json.NotRecordableError)
            why = error if known else type(error).__name__
            self._warn(name, f"its result cannot be recorded ({why})")
            return StepData(None, NO_BODY)

    def kept(
        self, steps: Mapping[str, StepData], name: str, form: StepData, *, uploads: bool = True
    ) -> StepData:
        """Return a step in the form that a record keeps beside the other `steps`: encrypted, in an
        object if it is large and `uploads`, and without its result if that is too large. Never
        raises."""
        objects = self.keeping.objects if uploads else None
        if form.data is None or (objects is None and self.keeping.keys is None):
            kept = form
        else:
            ran = self._sealed(name, form)
            kept = self._offloaded(name, form, ran, objects, max_data=None)
            if kept.owner is None and not self._fits(steps, name, kept):
                kept = self._offloaded(name, form, ran, objects, max_data=0)
        if self._fits(steps, name, kept):
            return kept
        self._warn(
            name,
            f"with its result the record would have more than {self.max_data} bytes. Give "
            "Idempotency a bucket, large_responses=..., or return less",
        )
        return StepData(None, NO_BODY)

    def result_of(self, name: str, step: StepData) -> Any:
        """Return the result of a recorded step. Raises `ResponseUnavailableError`, and `StoreError`
        if S3 or KMS cannot be reached."""
        record = Record(
            self.key, COMPLETED, step.owner or "", 0, 0, data=step.data, encoding=step.encoding
        )
        what = f"Step {name!r} under record {self.key}"
        keeping = self.keeping
        if keeping.objects is not None and compression.is_in_object(record):
            record = keeping.objects.fetch(record, what=what)
        if keeping.keys is not None:
            from .sealing import of_step, opened

            record = opened(record, keeping.keys, slot=of_step(name), what=what)
        try:
            return lambda_json.read(compression.unpack(record))
        except (ValueError, RecursionError, ResponseUnavailableError):
            raise ResponseUnavailableError(
                f"{what} is done, but its result is not available: {_why(record)}. The step does "
                "not run again."
            ) from None

    def _fits(self, steps: Mapping[str, StepData], name: str, kept: StepData) -> bool:
        return self.max_data is None or len(packed({**steps, name: kept})) <= self.max_data

    def _sealed(self, name: str, form: StepData) -> Returned:
        """Return a step's result, compressed, and encrypted where `keeping` says so."""
        ran = compression.pack(Returned(None, form.data), max_data=None)
        if self.keeping.keys is None:
            return ran
        from .sealing import of_step, sealed

        ran = sealed(ran, self.data_key, record=self.key, slot=of_step(name))
        if ran.data is None:
            self._warn(name, "there was no data key for its result")
        return ran

    def _offloaded(
        self,
        name: str,
        form: StepData,
        ran: Returned,
        objects: Objects | None,
        *,
        max_data: int | None,
    ) -> StepData:
        """Return a step with its result in an object, if it is large, or in the record."""
        if ran.data is None:
            return StepData(None, NO_BODY)
        if objects is not None:
            # An attempt has one object for its answer, so each step has the name of an owner of its
            # own.
            named = sha256(f"{self.owner} {name}".encode("utf-8", "surrogatepass"))
            owner = named.hexdigest()[:32]
            put = objects.offload(ran, key=self.key, owner=owner, max_data=max_data)
            if isinstance(put.data, str) and put.data is not ran.data:
                return StepData(put.data, put.encoding, owner)
        if self.keeping.keys is None:
            return form
        return StepData(_as_text(ran.data), ran.encoding)

    def _warn(self, name: str, why: str) -> None:
        log(
            WARNING,
            "%s: step %r: %s, so later attempts get ResponseUnavailableError in its place.",
            self.key,
            name,
            why,
        )


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


def _as_text(data: str | bytes) -> str:
    return data if isinstance(data, str) else b2a_base64(data, newline=False).decode()


def _why(record: Record) -> str:
    if compression.is_encrypted(record):
        return (
            "it is encrypted and does not open here; it was changed or copied, or this function "
            "lacks the cipher (response_key)"
        )
    return "it was not JSON, too large for the store, its object is gone, or it had no data key"


def _read(parts: list[str]) -> StepData:
    return StepData(None, NO_BODY) if parts == [NO_BODY] else StepData(*parts)
