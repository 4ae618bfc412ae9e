"""The client behind an attached function's `RedisStore`: its settings are in an SSM parameter."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...contract.redis import RedisSettings
from ..aws.services import SSM
from ..net.deadline import Deadline
from ..net.secret import Environment
from ..net.waiting import Waits
from .base import Client
from .credentials import LoadedCredentials
from .stored import credentials_of, read_text


class ParameterClient(Client):
    """Sends commands to the server whose settings are in an SSM parameter. Thread-safe."""

    def __init__(
        self,
        parameter: str,
        *,
        url_suffix: str = "amazonaws.com",
        environment: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        place = f"SSM parameter {parameter}"
        super().__init__(name=f"ssm:{parameter}", label=parameter, place=place, sleep=sleep)
        self._parameter = parameter
        self._url_suffix = url_suffix
        self._environment = Environment.of(environment)
        self._ssm: SSM | None = None

    async def settings(self, waits: Waits, ends: Deadline) -> RedisSettings:
        wanted = {"Name": self._parameter}
        request = self._parameters().request("GetParameter", wanted, waits, ends)
        text = await read_text(self.place, request)
        return RedisSettings.parse(text.reveal(), self._parameter)

    def credentials(self, settings: RedisSettings) -> LoadedCredentials | None:
        return credentials_of(
            settings,
            environment=self._environment,
            ssm=self._parameters(),
            url_suffix=self._url_suffix,
        )

    def close(self) -> None:
        super().close()
        if self._ssm is not None:
            self._ssm.close()

    def _parameters(self) -> SSM:
        if self._ssm is None:
            self._ssm = SSM(url_suffix=self._url_suffix, environment=self._environment)
        return self._ssm
