"""Subjects in processes of their own: their packages, their environment, and their share of CPU."""

from __future__ import annotations

import compileall
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from kit.aws.local import ROOT

RUNTIME: Final = ROOT / "runtime" / "lambda_idempotency"
PEERS: Final = (
    "aws_lambda_powertools",
    "boto3",
    "botocore",
    "dateutil",
    "jmespath",
    "redis",
    "s3transfer",
    "six",
    "typing_extensions",
    "urllib3",
)
"""Powertools and the raw clients with all that they import; ours has the same redis-py."""

SHARE: Final = 128 / 1769
"""The share of a core at 128 MB. Lambda gives a whole core at 1769 MB, and in proportion below:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""
_PERIOD: Final = 0.028
"""One period in seconds, of which the process runs 2 ms."""


def copy_packages(directory: Path, *, runtime: Path = RUNTIME, compiled: bool = True) -> Path:
    """Copy all packages of all subjects to a new directory for PYTHONPATH, with .pyc or without.

    Edits during a run, and the way a package was installed, then make no difference.
    """
    directory.mkdir()
    for source in (runtime, ROOT / "benchmarks" / "floor.py", *map(_installed, PEERS)):
        _copy(source, directory / source.name)
    if compiled:
        compileall.compile_dir(directory, quiet=2)
    return directory


def lambda_environment(endpoint: str) -> dict[str, str]:
    """Return a Lambda's environment variables, with AWS at `endpoint`.

    The session token has the usual length.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "IDEMPOTENCY_", "POWERTOOLS_", "PYTHON"))
    }
    return {
        **kept,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2Vj" * 50,
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "IDEMPOTENCY_METRICS": "false",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "POWERTOOLS_SERVICE_NAME": "bench",
        "PYTHONHASHSEED": "0",
    }


class Worker:
    """A process with one subject, `STORE/COLUMN`, that measures it on demand."""

    def __init__(self, subject: str, variables: Mapping[str, str], packages: Path) -> None:
        self.subject = subject
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", subject],
            cwd=ROOT,
            env={**variables, "PYTHONPATH": python_path(packages)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self) -> int:
        """The process id, for `rationed`."""
        return self._process.pid

    def do(self, task: str, **options: Any) -> dict[str, float]:
        """Run a task, a method of `worker.Tasks`, and return its results.

        Raises RuntimeError if the process ends without an answer.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": task, **options}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.subject} failed at {task} {options}; see above")
        answer: dict[str, float] = json.loads(line)
        return answer

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


def start(
    stack: ExitStack,
    store: str,
    columns: Iterable[str],
    variables: Mapping[str, str],
    packages: Path,
) -> dict[str, Worker]:
    """Start a checked worker for each column; they end with `stack`."""
    workers = {}
    for column in columns:
        workers[column] = Worker(f"{store}/{column}", variables, packages)
        stack.callback(workers[column].stop)
        workers[column].do("check")
    return workers


def run_python(
    command: Sequence[str], variables: Mapping[str, str], *packages: Path
) -> subprocess.CompletedProcess[str]:
    """Run Python once with the benchmarks and `packages`; return its output."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**variables, "PYTHONPATH": python_path(*packages)},
        capture_output=True,
        text=True,
        check=False,
    )


def python_path(*first: Path) -> str:
    """Return the PYTHONPATH of a child that uses `first`, the benchmarks and the tests' kit."""
    return os.pathsep.join(str(path) for path in (*first, ROOT, ROOT / "tests"))


@contextmanager
def rationed(pid: int) -> Iterator[None]:
    """Stop and resume a process, so that it runs for `SHARE` of each period."""
    over = threading.Event()
    thread = threading.Thread(target=_ration, args=(pid, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _ration(pid: int, over: threading.Event) -> None:
    with suppress(ProcessLookupError):  # it has ended
        while not over.is_set():
            os.kill(pid, signal.SIGSTOP)
            over.wait(_PERIOD * (1 - SHARE))
            os.kill(pid, signal.SIGCONT)
            over.wait(_PERIOD * SHARE)


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        shutil.copy(source, target)
        return
    # botocore's data is linked rather than copied: 25 MB that hold no code.
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "data"))
    if (source / "data").is_dir():
        (target / "data").symlink_to(source / "data")


def _installed(name: str) -> Path:
    spec = find_spec(name)
    assert spec is not None, f"{name} is not installed"
    assert spec.origin is not None
    origin = Path(spec.origin)
    return origin.parent if origin.name == "__init__.py" else origin
