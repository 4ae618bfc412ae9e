"""Subjects in processes of their own, and the stub they talk to."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.subjects import environment
from kit.aws.local import ROOT
from kit.network.processes import Server, free_port, listens


class Stub:
    """The stub server, ready. Use as a context manager."""

    def __init__(self, *, certificate: Path | None = None) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="bench-stub-")
        self._port = free_port()
        self._certificate = certificate
        scheme = "http" if certificate is None else "https"
        self.endpoint = f"{scheme}://127.0.0.1:{self._port}"
        options = [] if certificate is None else [str(certificate)]
        self._server = Server(
            [sys.executable, "-m", "benchmarks.stub_aws", str(self._port), *options],
            log=Path(self._directory.name) / "stub.log",
            ready=lambda: listens(self._port),
            environment={**environment(self.endpoint), "PYTHONPATH": python_path()},
        )

    def __enter__(self) -> Stub:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.stop()
        self._directory.cleanup()

    def counts(self) -> dict[str, int]:
        """Requests, and bytes received and sent, so far."""
        return self._ask("Stub.Counts", {})

    def keep(self, name: str, text: str) -> None:
        """Has this text, from now on, as the parameter or secret of this name."""
        self._ask("Stub.Keep", {"Name": name, "Text": text})

    def fill(self, number: int) -> None:
        """Has so many completed records of somebody else's from now on."""
        self._ask("Stub.Fill", {"Number": str(number)})

    def _ask(self, target: str, parameters: dict[str, str]) -> dict[str, int]:
        connection = self._connection()
        connection.request("POST", "/", json.dumps(parameters), {"X-Amz-Target": target})
        found: dict[str, int] = json.loads(connection.getresponse().read())
        connection.close()
        return found

    def _connection(self) -> http.client.HTTPConnection:
        if self._certificate is None:
            return http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        context = ssl.create_default_context(cafile=self._certificate)
        return http.client.HTTPSConnection("127.0.0.1", self._port, timeout=10, context=context)


class Worker:
    """One subject; `do` measures it."""

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
        """For whoever rations its CPU."""
        return self._process.pid

    def do(self, order: str, **options: Any) -> dict[str, float]:
        """Sends an order and waits for the answer. Raises RuntimeError where there is none."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": order, **options}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.subject} failed at {order} {options}; see above")
        answer: dict[str, float] = json.loads(line)
        return answer

    def stop(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()


def start(
    stack: ExitStack,
    store: str,
    columns: Iterable[str],
    variables: Mapping[str, str],
    packages: Path,
) -> dict[str, Worker]:
    """Workers that end with `stack`, by column, each checked to do what it is measured for."""
    workers = {}
    for column in columns:
        workers[column] = Worker(f"{store}/{column}", variables, packages)
        stack.callback(workers[column].stop)
        workers[column].do("check")
    return workers


def python_path(*first: Path) -> str:
    """For a child that uses the benchmarks and the tests' kit, and the packages in `first`."""
    return os.pathsep.join(str(path) for path in (*first, ROOT, ROOT / "tests"))
