"""The Lambda service around a function's processes: it invokes, and serves the Runtime API.

The processes run `awslambdaric`, Lambda's own client. One whose connection ends while it has an
invocation has died, and Lambda says so to the caller.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import threading
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import time
from types import TracebackType
from typing import Any, ClassVar, Final

from kit.network.processes import PATIENCE, Server

_INVOCATION: Final = "/2018-06-01/runtime/invocation/"
_INIT_ERROR: Final = "/2018-06-01/runtime/init/error"
_PEEK_S: Final = 0.05
"""Seconds between two looks at whether a process that waits is alive."""


class FunctionError(Exception):
    """The error that a function has answered with, or that its process has died of."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        super().__init__(f"{found.get('errorType')}: {found.get('errorMessage')}")
        self.kind = str(found.get("errorType"))
        self.body = dict(found)


class _Invocation:
    """One invocation. Its future has the answer."""

    def __init__(self, number: int, payload: bytes, timeout_s: float) -> None:
        self.id = f"00000000-0000-0000-0000-{number:012}"
        self.payload = payload
        self.deadline_ms = int((time() + timeout_s) * 1000)
        self.future: Future[Any] = Future()

    def end(self, answer: Any, error: FunctionError | None = None) -> None:
        """Tell the answer; the first one counts."""
        with suppress(Exception):
            if error is None:
                self.future.set_result(answer)
            else:
                self.future.set_exception(error)


class RuntimeApi:
    """The service. Use as a context manager, around those of the processes."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[_Invocation] = deque()
        self._running: dict[str, _Invocation] = {}
        self._idle = 0
        self._count = 0
        self._ended = False
        handler = type("Handler", (_Handler,), {"api": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = False
        self.address = f"127.0.0.1:{self._http.server_address[1]}"
        self.endpoint = f"http://{self.address}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(_PEEK_S,))

    def __enter__(self) -> RuntimeApi:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def invoke(self, event: Any, *, timeout_s: float = 60) -> Future[Any]:
        """Invoke the function; return its answer to come, or `FunctionError`."""
        return self._invoke(json.dumps(event).encode(), timeout_s)

    @property
    def idle(self) -> int:
        """The number of processes that wait for an invocation."""
        with self._changed:
            return self._idle

    def _invoke(self, payload: bytes, timeout_s: float = 60) -> Future[Any]:
        with self._changed:
            self._count += 1
            invocation = _Invocation(self._count, payload, timeout_s)
            self._waiting.append(invocation)
            self._changed.notify()
        return invocation.future

    def _next(self, connection: socket.socket) -> _Invocation | None:
        """Return the next invocation for a process; None once that has gone."""
        with self._changed:
            self._idle += 1
            self._changed.notify_all()
            try:
                while not _has_gone(connection) and not self._ended:
                    if self._waiting:
                        invocation = self._waiting.popleft()
                        self._running[invocation.id] = invocation
                        return invocation
                    self._changed.wait(_PEEK_S)
                return None
            finally:
                self._idle -= 1
                self._changed.notify_all()

    def _end(self, invocation: str, answer: Any, error: FunctionError | None = None) -> None:
        with self._changed:
            found = self._running.pop(invocation, None)
        if found is not None:
            found.end(answer, error)


class _Handler(BaseHTTPRequestHandler):
    """A connection: that of a process, or that of a caller."""

    api: ClassVar[RuntimeApi]
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        self._has: str | None = None
        with suppress(OSError):
            super().handle()
        if self._has is not None:
            died = {"errorType": "Runtime.ExitError", "errorMessage": "the process has died"}
            self.api._end(self._has, None, FunctionError(died))

    def do_GET(self) -> None:
        invocation = self.api._next(self.connection)
        if invocation is None:
            self.close_connection = True
            return
        self._has = invocation.id
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:1:function:pay",
        }
        self._reply(200, invocation.payload, headers)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == _INIT_ERROR:  # its process ends, and its log tells the error
            self._reply(202, b"{}")
            return
        if not self.path.startswith(_INVOCATION):
            self._called(body)
            return
        invocation, _, kind = self.path.removeprefix(_INVOCATION).partition("/")
        found = json.loads(body)
        self._has = None
        self.api._end(invocation, found, FunctionError(found) if kind == "error" else None)
        self._reply(202, b"{}")

    def _called(self, payload: bytes) -> None:
        """Answer Lambda's own Invoke, of any function."""
        self.close_connection = True  # botocore would keep it open
        try:
            answer = self.api._invoke(payload).result(PATIENCE)
        except FunctionError as error:
            headers = {"X-Amz-Function-Error": "Unhandled"}
            self._reply(200, json.dumps(error.body).encode(), headers)
        else:
            self._reply(200, json.dumps(answer).encode())

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        about = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        if self.close_connection:
            about["Connection"] = "close"
        for name, value in {**about, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
        pass


def _has_gone(connection: socket.socket) -> bool:
    """Tell whether the other side has closed the connection; it says nothing while it waits."""
    readable, _, _ = select.select([connection], [], [], 0)
    if not readable:
        return False
    try:
        return not connection.recv(1, socket.MSG_PEEK)
    except OSError:
        return True


def process(
    api: RuntimeApi,
    handler: str,
    *,
    log: Path,
    environment: Mapping[str, str],
    concurrency: int | None = None,
) -> Server:
    """Start an execution environment's process, and wait until it asks for invocations: its
    children do, if it is to serve several at a time. Stop it."""
    several = {} if concurrency is None else {"AWS_LAMBDA_MAX_CONCURRENCY": str(concurrency)}
    expected = api.idle + (concurrency or 1)
    return Server(
        [sys.executable, "-m", "awslambdaric", handler],
        log=log,
        ready=lambda: api.idle >= expected,
        environment={
            **environment,
            **several,
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "pay",
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
    )
