"""A worker of the storm, which calls one idempotent handler under skewed keys until it is ended.

Started as `python -m simulation.storm.worker PLAN`, a JSON text. The plan names the history file.
"""

from __future__ import annotations

import json
import logging
import os
import random
import sys
import time
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal

from lambda_idempotency import DynamoDBStore, InProgressError, StoreError, idempotent
from lambda_idempotency.stores.base import Store
from simulation.histories import Ending, Recorder
from simulation.storm.broken import Break, broken

_RETRY_AFTER = 0.05
"""Seconds that a client waits for a store that is away."""

StoreName = Literal["dynamodb", "redis"]

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


class _Heard(logging.Handler):
    """A log handler that notes what is reported of the running call."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.names.add(str(getattr(record, "idempotency_event", "")))


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
        self._handler = idempotent(
            store=_store(plan), namespace=NAMESPACE, key="key", lease=plan.lease
        )(self._run)

    def work(self) -> None:
        """Make calls without end."""
        ranks = range(1, self._plan.keys + 1)
        wanted = [1 / rank for rank in ranks]
        for number in count():
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
        else:
            ending = self._ending(answer)
        self._history.ended(self._call, ending, answer)
        if ending == "unavailable":
            time.sleep(_RETRY_AFTER)

    def _ending(self, answer: str) -> Ending:
        if self._result != answer:
            return "replayed"
        lost = {"LeaseLost", "CompletionFailed"} & self._heard.names
        return "unrecorded" if lost else "executed"

    def _run(self, event: Any, context: Any) -> str:
        self._history.ran(self._call)
        time.sleep(random.uniform(0, self._plan.work))
        self._result = self._call
        self._history.returned(self._call, self._call)
        return self._call


def _store(plan: Plan) -> Store:
    if plan.store == "dynamodb":
        return broken(DynamoDBStore(TABLE), plan.broken)
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
