"""A worker of the storm, which calls one idempotent handler under skewed keys until it is ended.

Started as `python -m simulation.storm.worker PLAN`, a JSON text. The plan names the history file.
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal

from lambda_idempotency import (
    CommitError,
    DynamoDBStore,
    InProgressError,
    LeaseLostError,
    StoreError,
    current,
    idempotent,
)
from lambda_idempotency.contract.names import PARTITION_KEY
from lambda_idempotency.stores.base import Store
from simulation.histories import Ending, Recorder
from simulation.storm.broken import Break, broken

STEPS_OF_A_RUN = ("charge", "stock")
"""The steps of the handler. On DynamoDB, the last one has writes."""

_RAISES = 0.1
"""The part of the steps after which the handler raises."""

_RETRY_AFTER = 0.05
"""Seconds that a client waits for a store that is away."""

StoreName = Literal["dynamodb", "redis"]

FORK = signal.SIGUSR1
"""The signal on which a worker makes a child, which makes some calls beside it."""

SET_CLOCK = signal.SIGUSR2
"""The signal on which a worker's wall clock is set, wherever the worker is."""

STEPS = (0, 3600, -3600)
"""Seconds by which a worker's clock may be ahead."""

CHILDS_CALLS = 3
CHILDS_LIFE = 20
"""Seconds after which a child is ended, whatever it does."""

TABLE = NAMESPACE = USER = "storm"
PASSWORD = "STORM_PASSWORD"
"""The variable with the password of Redis's user, who has only the documented rights."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The plan of all workers. Times in seconds."""

    store: StoreName
    port: int
    """The port of Redis."""
    history: str
    lease: float = 1.0
    keys: int = 300
    """The number of keys at a time; the nth is `1 / n` as wanted as the first."""
    era: float = 5.0
    """The time that the same keys are wanted; then there are others."""
    work: float = 0.3
    """The longest that a run takes."""
    broken: Break | None = None

    def to_text(self) -> str:
        """Return the plan as text for a worker's command line."""
        return json.dumps(asdict(self))


class _GivenUpError(Exception):
    """The error of a handler that raises."""


class _Heard(logging.Handler):
    """A log handler that notes what is reported of the running call."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.names.add(str(getattr(record, "idempotency_event", "")))


class _Wall:
    """The worker's wall clock, which can be set."""

    def __init__(self) -> None:
        self._right = time.time
        self._ahead = 0

    def __call__(self) -> float:
        return self._right() + self._ahead

    def set(self) -> None:
        """Set the clock."""
        self._ahead = random.choice([step for step in STEPS if step != self._ahead])


class Worker:
    """A caller that makes one call after another. A call's name is its key and a unique suffix."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._history = Recorder(Path(plan.history))
        self._heard = _Heard()
        logger = logging.getLogger("lambda_idempotency")
        logger.addHandler(self._heard)
        logger.propagate = False
        self._call = ""
        self._result: str | None = None
        self._forks = False
        self._answered = False
        """True once the store has answered. Until then a clock may be a second off, as the Date of
        DynamoDB is, and a lease here lasts no longer."""
        wall = _Wall()
        time.time = wall  # for all that reads it
        signal.signal(SET_CLOCK, lambda *_: wall.set() if self._answered else None)
        signal.signal(FORK, lambda *_: setattr(self, "_forks", True))
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for children
        self._handler = idempotent(
            store=_store(plan, wall), namespace=NAMESPACE, key="key", lease=plan.lease
        )(self._run)

    def work(self) -> None:
        """Make calls without end."""
        ranks = range(1, self._plan.keys + 1)
        wanted = [1 / rank for rank in ranks]
        left = -1
        for number in count():
            if left == 0:
                os._exit(0)
            left -= 1
            if self._forks:
                self._forks = False
                if os.fork() == 0:
                    left = CHILDS_CALLS
                    signal.alarm(CHILDS_LIFE)
            era = int(time.monotonic() / self._plan.era)
            [rank] = random.choices(ranks, wanted)
            self._once(f"{era}-{rank}", number)

    def _once(self, key: str, number: int) -> None:
        self._call = f"{key}/{os.getpid()}-{number}"
        self._result = None
        self._heard.names.clear()
        self._history.called(self._call)
        answer = None
        try:
            answer = self._handler({"key": key}, None)
        except InProgressError:
            ending: Ending = "busy"
        except StoreError:
            ending = "unavailable"
        except (CommitError, LeaseLostError, _GivenUpError) as error:
            ending = self._ending_of(error)
        else:
            ending = self._ending(answer)
        self._history.ended(self._call, ending, answer)
        self._answered = self._answered or ending != "unavailable"
        if ending == "unavailable":
            time.sleep(_RETRY_AFTER)

    def _ending(self, answer: str) -> Ending:
        if self._result != answer:
            return "replayed"
        lost = {"LeaseLost", "CompletionFailed"} & self._heard.names
        return "unrecorded" if lost else "executed"

    def _ending_of(self, error: Exception) -> Ending:
        """Return the ending of a call whose handler raised: it has let go, or nobody knows."""
        lost = {"LeaseLost", "StoreError"} & self._heard.names
        unknown = isinstance(error, CommitError) and error.applied is None
        return "unrecorded" if lost or unknown else "raised"

    def _run(self, event: Any, context: Any) -> str:
        self._history.ran(self._call)
        try:
            for step in STEPS_OF_A_RUN:
                self._take(event["key"], step)
        except Exception:
            self._history.returned(self._call, None)
            raise
        self._result = self._call
        self._history.returned(self._call, self._call)
        return self._call

    def _take(self, key: str, step: str) -> None:
        def run() -> str:
            self._history.began(self._call, step)
            time.sleep(random.uniform(0, self._plan.work / len(STEPS_OF_A_RUN)))
            return self._call

        writes = self._plan.store == "dynamodb" and step == STEPS_OF_A_RUN[-1]
        value = current().step(step, run, writes=[_counted(key)] if writes else [])
        recorded = "StepUnrecorded" not in self._heard.names
        self._history.got(self._call, step, value, recorded=recorded)
        self._heard.names.discard("StepUnrecorded")
        if random.random() < _RAISES:
            raise _GivenUpError


def _counted(key: str) -> dict[str, Any]:
    """Return the write that counts how often it takes effect for a key."""
    update = {
        "TableName": TABLE,
        "Key": {PARTITION_KEY: {"S": key}},
        "UpdateExpression": "ADD taken :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    return {"Update": update}


def _store(plan: Plan, wall: Callable[[], float]) -> Store:
    if plan.store == "dynamodb":
        return broken(DynamoDBStore(TABLE, clock=wall), plan.broken)
    import redis
    from redis.backoff import ConstantBackoff
    from redis.retry import Retry

    from lambda_idempotency import RedisStore

    client = redis.Redis(
        port=plan.port,
        username=USER,
        password=os.environ[PASSWORD],
        socket_timeout=plan.lease,
        retry=Retry(ConstantBackoff(0.05), 3),
    )
    return broken(RedisStore(client), plan.broken)


if __name__ == "__main__":
    Worker(Plan(**json.loads(sys.argv[1]))).work()
