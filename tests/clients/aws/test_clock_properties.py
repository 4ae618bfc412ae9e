"""Any Date header moves the clock by what it says, or not at all."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.planted import plant, refutes
from kit.strategies import ANY_TEXT, edited, thorough
from lambda_idempotency.clients.aws.clock import _MONTHS, ServiceClock

NOW: Final = 1_800_000_000.0
DATES: Final = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31)).map(
    lambda moment: moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
) | st.sampled_from(("Wed, 21 Oct 2026 07:28:00 GMT", "Sun, 06 Nov 1994 08:49:37 GMT"))
WORDS: Final = (" ", ":", "GMT", "Feb", "29", "60", "0000", "-1", "\u0662", "24", "99")
ANY_DATE: Final = edited(DATES | ANY_TEXT, WORDS)


@thorough
@given(ANY_DATE)
def test_any_date_is_an_answer_of_the_service(date: str) -> None:
    service = ServiceClock(lambda: NOW)
    assert isinstance(service.check(date, service.read()), int)
    assert service.read().checked


def test_a_defect_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, ServiceClock.check, "_milliseconds", lambda date: _MONTHS[date[8:11]])
    assert refutes(test_any_date_is_an_answer_of_the_service, ANY_DATE)
