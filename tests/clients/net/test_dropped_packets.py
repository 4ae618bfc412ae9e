"""Real addresses that drop packets, and a real resolver that says nothing: a function tells what it
has to tell before it is killed. Where this needs more rights than there are, `test_dial` has
listeners that take no more connections."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from kit.aws.credentials import STATIC
from kit.aws.local import REGION
from kit.network.dropping import ADDRESSES, NAME, UNKNOWN, reason_against, within

LIMIT_MS: Final = 5000
SCRIPT: Final = Path(__file__).with_name("killed.py")

PLACES: Final = {
    f"{where}, {store}": {variable: f"{scheme}://{host}{port}"}
    for where, host in {
        "one address": ADDRESSES[0],
        "three addresses": NAME,
        "no resolver": UNKNOWN,
    }.items()
    for store, variable, scheme, port in (
        ("DynamoDB", "AWS_ENDPOINT_URL", "http", ""),
        ("Redis", "REDIS_URL", "redis", ":6379"),
    )
}


def test_who_waits_for_dropped_packets_is_told_before_the_function_is_killed(
    tmp_path: Path,
) -> None:
    if (reason := reason_against(tmp_path)) is not None:
        pytest.skip(reason)
    command = [sys.executable, str(SCRIPT), "handler", str(LIMIT_MS)]
    running = {
        place: subprocess.Popen(
            within(tmp_path, command),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "AWS_LAMBDA_FUNCTION_NAME": "function",
                "AWS_REGION": REGION,
                **STATIC,
                **variables,
            },
        )
        for place, variables in PLACES.items()
    }
    told = {place: process.communicate() for place, process in running.items()}
    for place, (output, errors) in told.items():
        lines = output.splitlines()
        assert lines[-1:] == ["StoreError"], f"{place}: {errors}"
        assert "time" in lines[-2], f"{place}: {lines[-2]}"  # and nobody has refused anything
