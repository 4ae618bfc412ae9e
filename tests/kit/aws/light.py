"""The runtime's clients with boto3's methods, for tests that put both side by side."""

from __future__ import annotations

from binascii import a2b_base64
from typing import Any

from lambda_idempotency.clients.aws import services
from lambda_idempotency.clients.aws.typed import encoded
from lambda_idempotency.clients.net.waiting import run


class DynamoDB(services.DynamoDB):
    """DynamoDB's client."""

    def get_item(self, **request: Any) -> dict[str, Any]:
        return self._asked("get_item", request)

    def put_item(self, **request: Any) -> dict[str, Any]:
        return self._asked("put_item", request)

    def delete_item(self, **request: Any) -> dict[str, Any]:
        return self._asked("delete_item", request)

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        return self._asked("transact_write_items", request)

    def _asked(self, method: str, request: dict[str, Any]) -> dict[str, Any]:
        return run(self.ask(method, encoded(request), self._blocking))


class SSM(services.SSM):
    """Systems Manager's client."""

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        return run(self.request("GetParameter", request, self._blocking))


class SecretsManager(services.SecretsManager):
    """Secrets Manager's client."""

    def get_secret_value(self, **request: Any) -> dict[str, Any]:
        found = run(self.request("GetSecretValue", request, self._blocking))
        if "SecretBinary" in found:
            found["SecretBinary"] = a2b_base64(found["SecretBinary"])
        return found
