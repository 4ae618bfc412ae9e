"""The operator's own AWS credentials: boto3's clients, and the runtime's."""

from __future__ import annotations

import os
from typing import Any

import boto3
from botocore.config import Config

from .errors import FailedError


class Aws:
    """One account and region, as a profile or the environment names them."""

    def __init__(self, *, profile: str | None = None, region: str | None = None) -> None:
        self._session = boto3.Session(profile_name=profile, region_name=region)
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """Return boto3's client of a service, made once."""
        if service not in self._clients:
            self._clients[service] = self._session.client(
                service, config=Config(retries={"mode": "standard"}, connect_timeout=10)
            )
        return self._clients[service]

    def close(self) -> None:
        """Close the clients' idle connections."""
        for client in self._clients.values():
            client.close()

    @property
    def url_suffix(self) -> str:
        """The domain of the partition."""
        in_china = (self._session.region_name or "").startswith("cn-")
        return "amazonaws.com.cn" if in_china else "amazonaws.com"

    def environment(self) -> dict[str, str]:
        """Return the environment's variables with these credentials in them, as the runtime's own
        clients read them in Lambda."""
        found = self._session.get_credentials()
        if found is None:
            raise FailedError(
                "There are no AWS credentials; pass --profile, or set the variables of the AWS CLI"
            )
        frozen = found.get_frozen_credentials()
        own = {
            "AWS_ACCESS_KEY_ID": frozen.access_key,
            "AWS_SECRET_ACCESS_KEY": frozen.secret_key,
            "AWS_SESSION_TOKEN": frozen.token,
            "AWS_REGION": self._session.region_name,
        }
        others = {name: value for name, value in os.environ.items() if name not in own}
        return others | {name: value for name, value in own.items() if value}
