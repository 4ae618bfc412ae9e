"""The container credentials endpoint's responses, for a `FaultServer` to send."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from kit.clocks import ManualClock
from kit.network.fault_server import Request, Step, answer

GOOD_FOR: Final = 3600
"""Seconds from issue to end."""


class CredentialIssuer:
    """An issuer of new credentials each time: AKID1, AKID2 and so on."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._issued = 0

    def __call__(self, _: Request) -> Step:
        self._issued += 1
        ends = datetime.fromtimestamp(self._clock() + GOOD_FOR, UTC)
        return answer(
            {
                "AccessKeyId": f"AKID{self._issued}",
                "SecretAccessKey": "the-secret-key",
                "Token": "the-session-token",
                "Expiration": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
            close=True,
        )
