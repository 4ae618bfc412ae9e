"""Tests in which a trace function raises, as a signal handler may at any line."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

P = ParamSpec("P")


def in_own_thread(test: Callable[P, None]) -> Callable[P, None]:
    """Run a test in a thread. An error of a trace function can stay behind as one that is being
    handled: the context of each later error in its thread."""

    @wraps(test)
    def run(*arguments: P.args, **named: P.kwargs) -> None:
        errors: list[BaseException] = []

        def ran() -> None:
            try:
                test(*arguments, **named)
            except BaseException as error:  # noqa: BLE001 - raised below
                errors.append(error)

        thread = threading.Thread(target=ran)
        thread.start()
        thread.join()
        for error in errors:
            raise error

    return run
