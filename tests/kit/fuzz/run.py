"""`make fuzz`: every subject, for as many inputs as are asked for, from a seed of its own."""

from __future__ import annotations

import os
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

from kit.fuzz.fuzzer import fuzz
from kit.fuzz.targets import SUBJECTS


def attack(name: str, executions: int, seed: int) -> tuple[str, str]:
    """A subject's name, and what came of it; the second is empty if nothing broke."""
    started = time.process_time()
    try:
        report = fuzz(SUBJECTS[name], executions=executions, seed=seed)
    except Exception:  # noqa: BLE001 - that is what it is for
        return f"{name:16} BROKEN", traceback.format_exc()
    spent = time.process_time() - started
    return (
        f"{name:16}{report.executions:>10,} inputs{report.branches:>6} branches{spent:>8.1f} s",
        "",
    )


def main(arguments: list[str]) -> int:
    """The exit status. Arguments: how many inputs, and the seed, which is drawn where it is not
    given."""
    executions = int(arguments[0]) if arguments else 200_000
    seed = int(arguments[1]) if len(arguments) > 1 else int.from_bytes(os.urandom(4))
    print(f"seed {seed}")
    broken = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for line, why in pool.map(attack, SUBJECTS, repeat(executions), repeat(seed)):
            print(line)
            broken += [why] if why else []
    print("".join(f"\n{why}" for why in broken), end="")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
