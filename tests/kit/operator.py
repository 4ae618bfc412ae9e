"""An operator, who runs the command `cdk-idempotency` with rights of their own."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from unittest import mock
from uuid import uuid4

from boto3 import Session
from click.testing import CliRunner

from cdk_idempotency_cli.main import cli
from kit.aws.local import ACCOUNT, LocalAws


@dataclass(frozen=True)
class Ran:
    """What a run of the command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> list[dict[str, Any]]:
        """The lines of the output, as JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


class Operator:
    """An operator of a local AWS: with the account's full rights, or with these credentials."""

    def __init__(self, aws: LocalAws, credentials: Mapping[str, str] | None = None) -> None:
        self._variables = {
            name: value for name, value in aws.environment().items() if name.startswith("AWS_")
        } | {**(credentials or {})}
        self._session: Any = None

    @classmethod
    def allowed(cls, aws: LocalAws, policy: Mapping[str, Any]) -> Operator:
        """Return an operator whose role has this policy and no other."""
        trust = {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        }
        with closing(aws.client("iam")) as iam, closing(aws.client("sts")) as sts:
            role = iam.create_role(
                RoleName=f"operator-{uuid4().hex}",
                AssumeRolePolicyDocument=json.dumps(_document(trust)),
            )["Role"]
            iam.put_role_policy(
                RoleName=role["RoleName"], PolicyName="operate", PolicyDocument=json.dumps(policy)
            )
            found = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="operator")["Credentials"]
        return cls(
            aws,
            {
                "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
                "AWS_SESSION_TOKEN": found["SessionToken"],
            },
        )

    def run(self, *arguments: str, types: str | None = None) -> Ran:
        """Run the command, and type a line where it asks."""
        runner = CliRunner(env={**self._variables, "COLUMNS": "200"})
        with mock.patch("cdk_idempotency_cli.aws.boto3.Session", self._made):
            done = runner.invoke(cli, arguments, input=types, prog_name="cdk-idempotency")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Ran(done.exit_code, done.stdout, done.stderr)

    def script(self, lines: str) -> list[Ran]:
        """Run the lines of a shell script: `export NAME=VALUE`, commands, and variables that are
        set to what a command prints.
        """
        done = []
        for line in filter(None, lines.splitlines()):
            if found := re.fullmatch(r"export (\w+)=(.*)", line):
                self._variables[found[1]] = found[2]
                continue
            captured = re.fullmatch(r"(\w+)=\$\((.*)\)", line)
            command = captured[2] if captured else line
            filled = re.sub(r"\$(\w+)", lambda name: self._variables[name[1]], command)
            program, *arguments = shlex.split(filled)
            assert program == "cdk-idempotency", line
            done.append(self.run(*arguments))
            if captured:
                self._variables[captured[1]] = done[-1].out.strip()
        return done

    def _made(self, **options: Any) -> Any:
        """Return one session for all commands: to read boto3's files takes a while."""
        if self._session is None:
            self._session = Session(**options)
        return self._session


def allowing(*actions: str) -> dict[str, Any]:
    """Return a policy that allows these actions everywhere."""
    return _document({"Effect": "Allow", "Action": [*actions], "Resource": "*"})


def _document(statement: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [statement]}
