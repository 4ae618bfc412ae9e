"""A stand-in for ElastiCache's users: real HTTP and the query protocol, and real Redis behind it.

The emulator's ModifyUser does not know `AuthenticationMode`, and its users are always active.
https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyUser.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs

from kit.network.fault_server import Request, Step, answer

FORBIDDEN: Final = set(',"/@')


class ElastiCacheUser:
    """A user for a `FaultServer` to answer for. `apply` brings passwords to the nodes."""

    def __init__(self, user_id: str, name: str, *, apply: Callable[[list[str]], None]) -> None:
        self.user_id = user_id
        self.name = name
        self.busy_looks = 2
        """The number of DescribeUsers that show a change under way, before it reaches the nodes."""
        self.modifications = 0
        self._apply = apply
        self._looks_left = 0
        self._underway: list[str] | None = None

    def __call__(self, request: Request) -> Step:
        fields = {name: value for name, [value] in parse_qs(request.body.decode()).items()}
        if fields["UserId"] != self.user_id:
            return _refusal("UserNotFound", 404)
        if fields["Action"] == "DescribeUsers":
            return self._describe()
        assert fields["Action"] == "ModifyUser"
        return self._modify(fields)

    def start_change(self) -> None:
        """Begin another caller's change of the user's access string."""
        self._looks_left = self.busy_looks

    def _describe(self) -> Step:
        body = f"<Users><member>{self._shown()}</member></Users>"
        self._go_on()
        return _result("DescribeUsers", body)

    def _modify(self, fields: dict[str, str]) -> Step:
        if self._looks_left:
            return _refusal("InvalidUserState", 400)
        prefix = "AuthenticationMode.Passwords.member."
        passwords = [value for name, value in sorted(fields.items()) if name.startswith(prefix)]
        if (
            fields.get("AuthenticationMode.Type") != "password"
            or not 1 <= len(passwords) <= 2
            or any(FORBIDDEN & set(p) or not 16 <= len(p) <= 128 for p in passwords)
        ):
            return _refusal("InvalidParameterValue", 400)
        self.modifications += 1
        self._underway = passwords
        self._looks_left = self.busy_looks
        if not self.busy_looks:
            self._take_effect()
        return _result("ModifyUser", self._shown())

    def _go_on(self) -> None:
        if self._looks_left:
            self._looks_left -= 1
            if not self._looks_left:
                self._take_effect()

    def _take_effect(self) -> None:
        if self._underway is not None:
            self._apply(self._underway)
            self._underway = None

    def _shown(self) -> str:
        status = "modifying" if self._looks_left else "active"
        return (
            f"<UserId>{self.user_id}</UserId><UserName>{self.name}</UserName>"
            f"<Status>{status}</Status><Engine>valkey</Engine>"
        )


def _result(operation: str, body: str) -> Step:
    text = (
        f'<{operation}Response xmlns="http://elasticache.amazonaws.com/doc/2015-02-02/">'
        f"<{operation}Result>{body}</{operation}Result></{operation}Response>"
    )
    return answer(text.encode(), headers={"Content-Type": "text/xml"})


def _refusal(code: str, status: int) -> Step:
    text = f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>"
    return answer(text.encode(), status=status, headers={"Content-Type": "text/xml"})
