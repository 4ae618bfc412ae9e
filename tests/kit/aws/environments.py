"""Execution environments of the local AWS's Lambda that start quickly.

Each is a process of its own, as the emulator's are, but a fork of one that has loaded boto3, which
is most of a cold start. A layer is unpacked once, and is a link in each environment.

`python -m kit.aws.environments DESCRIPTOR` is the process that forks; requests come over that end
of a socket pair.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, Final

_MOST: Final = 1 << 17
"""Bytes of a request: a function's environment, mostly."""


class Forked:
    """The part of `subprocess.Popen` that the emulator uses, for a forked process."""

    def __init__(self, pid: int, handle: int, pipes: Sequence[IO[str]]) -> None:
        self.pid = pid
        self._handle = handle
        self.stdin, self.stdout, self.stderr = pipes
        self.returncode: int | None = None

    def __del__(self) -> None:
        os.close(self._handle)

    def poll(self) -> int | None:
        """Return zero once it has ended, for any reason."""
        if self.returncode is None and self._ends(within=0):
            self.returncode = 0
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises `TimeoutExpired`."""
        if not self._ends(within=timeout):
            raise subprocess.TimeoutExpired("a fork", timeout or 0)
        self.returncode = 0
        return 0

    def terminate(self) -> None:
        """Ask it to end."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it."""
        self._send(signal.SIGKILL)

    def _ends(self, *, within: float | None) -> bool:
        polled = select.poll()  # `select` cannot watch a descriptor above a thousand
        polled.register(self._handle, select.POLLIN)
        return bool(polled.poll(None if within is None else within * 1000))

    def _send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, number)


class Forks:
    """The connection to the only process that forks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self._socket, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * _MOST)
        with theirs:
            subprocess.Popen(
                [sys.executable, "-m", "kit.aws.environments", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def popen(
        self, command: Sequence[str], *, cwd: str, env: Mapping[str, str], **_: Any
    ) -> Forked:
        """Return a fork that runs the script in the command, with pipes to its streams."""
        (their_in, ours_in), (ours_out, their_out), (ours_err, their_err) = (
            os.pipe() for _ in range(3)
        )
        theirs = (their_in, their_out, their_err)
        request = json.dumps({"script": command[1], "cwd": cwd, "env": dict(env)}).encode()
        assert len(request) <= _MOST, "an environment of that size"
        try:
            with self._lock:
                socket.send_fds(self._socket, [request], theirs)
                answer, [handle] = socket.recv_fds(self._socket, 32, 1)[:2]
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        pipes = [os.fdopen(ours_in, "w", buffering=1), os.fdopen(ours_out), os.fdopen(ours_err)]
        return Forked(int(answer), handle, pipes)


class SharedLayers(zipfile.ZipFile):
    """An archive that is unpacked once if it is a layer, and is a link from then on."""

    _once: Final = threading.Lock()

    def namelist(self) -> list[str]:
        """Return the members to unpack: none of a layer that is already unpacked."""
        return [] if self._is_layer() and self._shared().exists() else super().namelist()

    def extractall(self, path: Any = None, *arguments: Any, **options: Any) -> None:
        """Unpack all into a directory."""
        if not self._is_layer():
            super().extractall(path, *arguments, **options)
            return
        shared = self._shared()
        with self._once:
            if not shared.exists():
                scratch = shared.with_suffix(".new")
                super().extractall(scratch)
                scratch.rename(shared)
        Path(path).rmdir()
        Path(path).symlink_to(shared)

    def _is_layer(self) -> bool:
        return Path(str(self.filename)).name.startswith("layer_")

    def _shared(self) -> Path:
        archive = Path(str(self.filename))
        # Beside the environments' own directories, which come and go.
        return archive.parent.parent / f"layer-{sha256(archive.read_bytes()).hexdigest()}"


def start_quickly(runtime: Any) -> None:
    """Make the emulator's module for execution environments use forks and shared layers.

    Without process handles, which Linux has, only layers are shared.
    """
    runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": SharedLayers})
    if hasattr(os, "pidfd_open"):
        forks = Forks()
        real = runtime.subprocess.Popen

        def popen(command: Sequence[str], **options: Any) -> Any:
            of_python = command[0] == sys.executable
            return (forks.popen if of_python else real)(command, **options)

        runtime.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": popen})


# The process that is forked -----------------------------------------------------------------------


def _serve(requests: socket.socket) -> None:
    """Fork for each request, until no more requests come."""
    while True:
        request, streams = socket.recv_fds(requests, _MOST, 3)[:2]
        if not request:
            return
        if (pid := os.fork()) == 0:
            requests.close()
            _become(streams, **json.loads(request))
        handle = os.pidfd_open(pid)
        for descriptor in streams:
            os.close(descriptor)
        socket.send_fds(requests, [str(pid).encode()], [handle])
        os.close(handle)
        # Reap earlier children: a handle reports the end even if another has waited for it.
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass


def _become(streams: list[int], *, script: str, cwd: str, env: dict[str, str]) -> None:
    """Run this script as a new process would; never return."""
    status = 1
    try:
        for number, descriptor in enumerate(streams):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(env)
        os.chdir(cwd)
        sys.argv = [script]
        runpy.run_path(script, run_name="__main__")
        status = 0
    except BaseException:  # noqa: BLE001 - whatever it was, this process must not fork
        traceback.print_exc()
    finally:
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(status)


def _load() -> None:
    """Load what functions load first, and drop what a layer brings, which comes first on the
    path.
    """
    import boto3

    boto3.client(
        "dynamodb", region_name="us-east-1", aws_access_key_id="-", aws_secret_access_key="-"
    )
    boto3.DEFAULT_SESSION = None
    for name in [name for name in sys.modules if name.split(".")[0] == "jmespath"]:
        del sys.modules[name]


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _load()
    gc.freeze()  # a collection in a fork would copy all of it
    with socket.socket(fileno=int(sys.argv[1])) as requests:
        _serve(requests)
