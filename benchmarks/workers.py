"""Subjects in processes of their own: their environment, and their share of CPU."""

from __future__ import annotations

import json
import os
import select
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.packages import Packages
from kit.aws.local import ROOT

SHARE: Final = 128 / 1769
"""The share of a core at 128 MB. Lambda gives a whole core at 1769 MB, and in proportion below:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""
_PERIOD_US: Final = 20_000

PATIENCE_S: Final = 900
"""Seconds without an answer, after which a worker hangs."""


def lambda_environment(endpoint: str | None) -> dict[str, str]:
    """Return a Lambda's environment variables, with AWS at `endpoint`, or at its own endpoints.

    The session token has the usual length.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "IDEMPOTENCY_", "POWERTOOLS_", "PYTHON", "SSL_"))
    }
    return {
        **kept,
        **({} if endpoint is None else {"AWS_ENDPOINT_URL": endpoint}),
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2Vj" * 50,
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "POWERTOOLS_SERVICE_NAME": "bench",
        "PYTHONHASHSEED": "0",
        # Of the main program, which a handler is not; idemkit warns that there is one tenant.
        "PYTHONWARNINGS": "ignore::DeprecationWarning,ignore::UserWarning",
    }


class Worker:
    """A process with one subject and one workload, that measures it on demand."""

    def __init__(
        self, subject: str, workload: str, variables: Mapping[str, str], packages: Packages
    ) -> None:
        self._name = f"{subject} ({workload})"
        command = ["-m", "benchmarks.worker", subject, workload]
        pipe = subprocess.PIPE
        self._process = packages.run(command, variables, ROOT, stdin=pipe, stdout=pipe)

    def do(self, task: str, **options: Any) -> dict[str, float]:
        """Run a task, a method of `worker.Tasks`, and return its results.

        Raises RuntimeError if the process ends without an answer, or has none for a long time.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = ""
        try:
            self._process.stdin.write(json.dumps({"do": task, **options}) + "\n")
            self._process.stdin.flush()
            if select.select([self._process.stdout], [], [], PATIENCE_S)[0]:
                line = self._process.stdout.readline()
        except OSError:
            pass
        if not line:
            raise RuntimeError(f"{self._name} failed at {task} {options}; see above")
        answer: dict[str, float] = json.loads(line)
        return answer

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def small_share() -> Iterator[Callable[[int], None] | None]:
    """Yield what gives a process `SHARE` of a core: the kernel's quota, as Lambda's is.

    It is a control group of this machine; None where none may be made.
    """
    group = _group()
    if group is None:
        yield None
        return
    try:
        yield lambda pid: _write(group / "cgroup.procs", pid)
    finally:
        group.rmdir()  # its processes have ended


def _group() -> Path | None:
    root = Path("/sys/fs/cgroup")
    quota = round(_PERIOD_US * SHARE)
    for parent, settings in (
        (root / "cpu", {"cpu.cfs_period_us": _PERIOD_US, "cpu.cfs_quota_us": quota}),
        (root, {"cpu.max": f"{quota} {_PERIOD_US}"}),
    ):
        group = parent / f"benchmark-{os.getpid()}"
        if not (parent / "cgroup.procs").exists():
            continue
        try:
            group.mkdir()
            for name, value in settings.items():
                _write(group / name, value)
        except OSError:  # it takes root, and a controller that is free
            if group.exists():
                group.rmdir()
            continue
        return group
    return None


def _write(path: Path, value: int | str) -> None:
    path.write_text(str(value))
