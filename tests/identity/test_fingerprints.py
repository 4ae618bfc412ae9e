"""A payload that comes again byte by byte is not read again, and nothing else is taken for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest

from lambda_idempotency import MissingKeyError
from lambda_idempotency.identity.fingerprints import MOST_KNOWN, KnownFingerprints, Parts, Payload
from lambda_idempotency.identity.keys import KeyRule, RequestParts, Selector

RAW: Final = (b'{"a": 1}',)


class Reading:
    """Payloads of requests that count how often they are read."""

    def __init__(self, rule: KeyRule) -> None:
        self._rule = rule
        self.times = 0

    def __call__(self, raw: Parts | None = RAW, *, key: str = "k", meaning: bytes = b"1") -> str:
        def read() -> Parts:
            self.times += 1
            return (meaning,)

        request = RequestParts(key, lambda: Payload(raw, read))
        found = self._rule.identify({"id": key, "a": 1}, request=request).fingerprint
        assert found is not None
        return found


@pytest.fixture
def reading() -> Reading:
    return Reading(KeyRule("shop", "pay", known=KnownFingerprints()))


def test_equal_bytes_are_read_once(reading: Reading) -> None:
    assert reading() == reading()
    assert reading.times == 1


def test_other_bytes_are_read(reading: Reading) -> None:
    assert reading() == reading((b'{"a":1}',)) == reading()
    assert reading(meaning=b"2") == reading()  # the bytes say it
    assert reading.times == 3


def test_equal_bytes_of_another_record_are_read(reading: Reading) -> None:
    assert reading() == reading(key="other")
    assert reading.times == 2


def test_a_payload_without_bytes_is_read_each_time(reading: Reading) -> None:
    assert reading(None) == reading(None) == reading()
    assert reading.times == 3


def test_the_parts_of_a_payload_are_told_apart(reading: Reading) -> None:
    assert reading((b"ab", b"c")) != reading((b"a", b"bc"), meaning=b"2")
    assert reading.times == 2


def test_what_cannot_be_read_is_not_remembered() -> None:
    def refuse() -> Parts:
        raise ValueError("it is ambiguous")

    known = KnownFingerprints()
    rule = KeyRule("shop", "pay", known=known)
    for _ in range(2):
        with pytest.raises(MissingKeyError, match="it is ambiguous"):
            rule.identify({}, request=RequestParts("k", lambda: Payload(RAW, refuse)))
    assert len(known) == 0


def test_a_fingerprint_of_an_expression_is_computed_each_time() -> None:
    calls = iter(range(2))
    chosen = Selector("fingerprint", lambda _: next(calls))
    reading = Reading(KeyRule("shop", "pay", fingerprint=chosen, known=KnownFingerprints()))
    assert reading() != reading()
    assert reading.times == 0


def test_the_oldest_fingerprint_is_forgotten() -> None:
    known = KnownFingerprints()
    for number in range(MOST_KNOWN + 1):
        known.keep(f"{number}", "raw", "fingerprint")
    assert len(known) == MOST_KNOWN
    assert known.get("0", "raw") is None
    assert known.get("1", "raw") == "fingerprint"


def test_threads_forget_together() -> None:
    known = KnownFingerprints()

    def keep(start: int) -> None:
        for number in range(start, start + 2 * MOST_KNOWN):
            known.keep(f"{number}", "raw", "fingerprint")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(keep, range(0, 8 * MOST_KNOWN, 2 * MOST_KNOWN)))
    assert len(known) <= MOST_KNOWN
