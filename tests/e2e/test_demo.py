"""The demo, as `make demo` runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kit.aws.local import ROOT

DEMO = [sys.executable, str(ROOT / "examples" / "demo.py")]


def _environment(scratch: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": "tests", "TMPDIR": str(scratch)}


def test_the_demo_shows_one_effect_for_each_payment(tmp_path: Path) -> None:
    done = subprocess.run(
        DEMO, cwd=ROOT, env=_environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Every payment took effect exactly once" in done.stdout
    [duplicates] = [line for line in done.stdout.splitlines() if line.startswith("duplicates ")]
    assert duplicates.split()[:5] == ["duplicates", "50", "1", "1", "49"]
    assert done.stdout.count(" 201  {") == 2  # a charge and a refund; their replays are marked
    for told in ("422  Idempotency key reused", "400  Idempotency key missing", "202  Retry-After"):
        assert told in done.stdout
    assert '200  {"status": "completed"}' in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path, ending: signal.Signals) -> None:
    with subprocess.Popen(
        DEMO,
        cwd=ROOT,
        env=_environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as demo:
        while not list(tmp_path.glob("local-aws-*/emulator.log")):
            assert demo.poll() is None
            time.sleep(0.05)
        demo.send_signal(ending)
        output, _ = demo.communicate(timeout=60)
    assert demo.returncode == 130, output
    assert output.endswith("Stopped.\n")
    assert list(tmp_path.iterdir()) == []
    assert _running_in(tmp_path) == []


def _running_in(directory: Path) -> list[str]:
    """Return the processes whose environment names a directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(directory) in (process / "environ").read_text(errors="replace"):
                found.append((process / "cmdline").read_text(errors="replace"))
        except OSError:
            continue  # it has ended, or belongs to another user
    return found
