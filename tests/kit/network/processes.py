"""Servers as child processes: on a free loopback port, stopped with all their children by id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep  # a test may set those of `time`
from typing import Final


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


PATIENCE: Final = 60.0
"""Seconds after which a test that waits has failed."""


def until(condition: Callable[[], object], what: str, *, seconds: float = PATIENCE) -> None:
    """Wait for a condition."""
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline, f"waited in vain: {what}"
        sleep(0.02)


class Server:
    """A child process that is ready once `ready` says so, and whose output goes to `log`."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        ready: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
        start_seconds: float = 60,
    ) -> None:
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        try:
            with log.open("wb") as output, _interrupts_held():
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    start_new_session=True,  # one process group, so that its children go with it
                )
            self._wait(self._process, ready, monotonic() + start_seconds)
        except BaseException:  # an interrupt too: nothing else knows of the process yet
            self.stop()
            raise

    def _wait(
        self, process: subprocess.Popen[bytes], ready: Callable[[], bool], deadline: float
    ) -> None:
        while not ready():
            if process.poll() is not None or monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{self._log.read_text()[-4000:]}")
            sleep(0.01)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process and its children, which must not have been stopped yet."""
        if self._process is not None:
            os.killpg(self._process.pid, number)

    def stop(self) -> None:
        """End the process and its children; safe to call twice."""
        process = self._process
        if process is None:
            return
        for ending in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, ending)
            except ProcessLookupError:
                break
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                continue
        process.wait()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Delay interrupts until the block has ended: one in the middle of a start orphans the
    child.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before = {
        number: signal.signal(number, lambda came, _: held.append(came))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for came in held:
        signal.raise_signal(came)


def listens(port: int) -> bool:
    """Tell whether something accepts connections on a loopback port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
