"""Processes that are killed at their limit, with a DynamoDB that falls silent: all results come."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from kit.aws.credentials import function_environment
from kit.network.fault_server import SILENCE, FaultServer, answer

LIMIT_MS: Final = 5000
"""The least limit of which the whole reserve is kept."""
SCRIPT: Final = Path(__file__).with_name("killed.py")

TOLD: Final = {
    # The claim succeeds, and then the store says no more:
    ("handler", 1): "the result",
    ("async", 1): "the result",
    ("batch", 1): "{'batchItemFailures': [{'itemIdentifier': '2'}]}",
    # It says nothing at all:
    ("handler", 0): "StoreError",
    ("fail open", 0): "the result",
}
"""What callers get, by the kind of function and the number of answers of the store."""


def test_what_a_function_has_to_tell_is_told_before_it_is_killed() -> None:
    with ExitStack() as stack:
        running = {}
        for what, answers in TOLD:
            server = stack.enter_context(FaultServer(*[answer()] * answers, otherwise=SILENCE))
            environment = function_environment(server.endpoint, AWS_LAMBDA_FUNCTION_NAME="function")
            running[what, answers] = subprocess.Popen(
                [sys.executable, str(SCRIPT), what, str(LIMIT_MS)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, **environment},
            )
        told = {case: process.communicate()[0].splitlines() for case, process in running.items()}
    assert {case: lines[-1:] for case, lines in told.items()} == {
        case: [result] for case, result in TOLD.items()
    }
