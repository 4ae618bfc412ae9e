"""`make matrix`: the suites of Redis on each server, one after another."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from kit.aws.local import ROOT
from kit.redis.binaries import CHOSEN, binaries, has_tls

SUITES: Final = (
    *("tests/clients/redis", "tests/kit/redis", "tests/rotation"),
    *sorted(str(path) for path in Path("tests/stores").glob("test_redis*.py")),
    *(f"tests/stores/test_{name}.py" for name in ("complete_and_claim", "concurrency", "contract")),
)
"""What uses a server of Redis. A server without TLS has a front for it, but in a cluster."""

NAMES: Final = ("redis-server", "valkey-server")


def main() -> None:
    """Run the suites on the servers of this machine, and on those in a directory."""
    installed = sorted(path for name in NAMES for path in Path(sys.argv[1]).rglob(name))
    failed = False
    for path in [*(binary.path for binary in binaries()), *installed]:
        named = subprocess.run([path, "--version"], check=True, capture_output=True, text=True)
        program, _, version = named.stdout.partition(" v=")
        tls = "TLS of its own" if has_tls(path) else "TLS by a front"
        print(f"{program.removesuffix(' server')} {version.split()[0]}, {tls}:", flush=True)
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", *SUITES],
            check=False,
            cwd=ROOT,
            env={**os.environ, CHOSEN: str(path)},
        )
        failed = failed or ran.returncode != 0
    sys.exit(failed)


if __name__ == "__main__":
    main()
