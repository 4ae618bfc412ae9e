"""The ciphers of the option `cipher`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from .data_keys import DataKeys

if TYPE_CHECKING:
    from ..clients.aws.kms import KMS


class KmsCipher:
    """Encrypts what records keep of answers and steps, with data keys of a KMS key.

    `key` is a symmetric KMS key in the function's region: its id, its ARN, or an alias. The
    function needs `kms:GenerateDataKey` and `kms:Decrypt` on it, and the package `cryptography`.
    Raises `ConfigurationError`.
    """

    def __init__(self, key: str, *, url_suffix: str = "amazonaws.com") -> None:
        if not isinstance(key, str) or not key.strip():
            raise ConfigurationError(
                f"the key of KmsCipher is {key!r}; expected a KMS key's id, ARN or alias"
            )
        try:  # while the environment starts, and not in the first call
            import cryptography.hazmat.primitives.ciphers.aead  # noqa: F401
        except ImportError as error:
            raise ConfigurationError(
                f"KmsCipher needs the package cryptography, which cannot be imported ({error}): "
                "ship it with the function's code, for its Python and architecture, or attach the "
                "function with response_key=..., whose layer has it"
            ) from None
        self._key = key
        self._url_suffix = url_suffix
        self._client: KMS | None = None
        self._keys: dict[str, DataKeys] = {}

    def keys(self, namespace: str) -> DataKeys:
        """Return the data keys of a namespace, the same ones for all who ask."""
        if (found := self._keys.get(namespace)) is not None:
            return found
        return self._keys.setdefault(namespace, DataKeys(self._kms, self._key, namespace))

    def _kms(self) -> Any:
        if self._client is None:
            from ..clients.aws.kms import KMS

            made = KMS(url_suffix=self._url_suffix)  # no lock: see `DynamoDBStore`
            self._client = self._client or made
        return self._client
