"""The rotated secret: its versions, and their labels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from ..tuples import NamedTuple
from .calls import call
from .errors import RefusedError, RotationError

CURRENT: Final = "AWSCURRENT"
PENDING: Final = "AWSPENDING"


class Version(NamedTuple):
    """A version with a value: a JSON object with the texts `username` and `password`, or more."""

    place: str
    """The name of the version in errors."""
    fields: Mapping[str, Any]

    @property
    def username(self) -> str:
        """The user whose password it is."""
        return str(self.fields["username"])

    @property
    def password(self) -> str:
        """The password."""
        return str(self.fields["password"])

    def __repr__(self) -> str:
        return f"Version({self.place})"


class Stages(NamedTuple):
    """The answer of DescribeSecret: the labels of each version, and whether rotation is on."""

    arn: str
    name: str
    enabled: bool
    labels: Mapping[str, list[str]]

    @property
    def current(self) -> str | None:
        """The version labeled AWSCURRENT."""
        return self._labeled(CURRENT)

    @property
    def pending(self) -> str | None:
        """The version labeled AWSPENDING."""
        return self._labeled(PENDING)

    def _labeled(self, label: str) -> str | None:
        return next((version for version, labels in self.labels.items() if label in labels), None)


class Secret:
    """One secret. `client` is boto3's for Secrets Manager. Raises `RotationError`."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self.arn = arn

    def stages(self) -> Stages:
        """Return the secret's versions with their labels."""
        found = self._call("describe_secret")
        return Stages(
            found["ARN"],
            found["Name"],
            bool(found.get("RotationEnabled")),
            found.get("VersionIdsToStages", {}),
        )

    def current_version(self) -> str:
        """Return the id of the version that a reader of the secret gets now."""
        return str(self._call("get_secret_value", VersionStage=CURRENT)["VersionId"])

    def current(self) -> Version:
        """Return the version that a reader of the secret gets now."""
        return self._parse(self._call("get_secret_value", VersionStage=CURRENT))

    def version(self, version: str) -> Version | None:
        """Return a version, or None while it has no value: RotateSecret only announces it."""
        try:
            found = self._call("get_secret_value", VersionId=version)
        except RefusedError as error:
            if error.code != "ResourceNotFoundException":
                raise
            return None
        return self._parse(found) if found.keys() & {"SecretString", "SecretBinary"} else None

    def put_pending(self, token: str, fields: Mapping[str, Any]) -> bool:
        """Give the version `token` its value. Return False if it already has another one."""
        try:
            self._call(
                "put_secret_value",
                ClientRequestToken=token,
                SecretString=json.dumps(fields),
                VersionStages=[PENDING],
            )
        except RefusedError as error:
            if error.code != "ResourceExistsException":
                raise
            return False
        return True

    def make_current(self, token: str, *, instead_of: str) -> None:
        """Move AWSCURRENT to the version `token`; the same request removes AWSPENDING."""
        self._call(
            "update_secret_version_stage",
            VersionStage=CURRENT,
            MoveToVersionId=token,
            RemoveFromVersionId=instead_of,
        )

    def _call(self, operation: str, **request: Any) -> Any:
        about = f"secret {self.arn}"
        return call(self._client, operation, about=about, SecretId=self.arn, **request)

    def _parse(self, found: Mapping[str, Any]) -> Version:
        place = f"version {found['VersionId']} of secret {self.arn}"
        fields = _object(found.get("SecretString"))
        if fields is None:
            raise RotationError(
                f'{place} is no JSON object; expected {{"username": ..., "password": ...}}'
            )
        for name in ("username", "password"):
            if not isinstance(fields.get(name), str) or not fields[name]:
                raise RotationError(f"{place} lacks the field {name}; expected a text")
        return Version(place, fields)


def _object(text: object) -> dict[str, Any] | None:
    """Parse a JSON object, or return None: an error could quote the text."""
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
