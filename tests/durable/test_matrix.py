"""Every event at every moment of a durable execution, in every form and on every store: one answer,
and no effect more than the deaths explain.

An event strikes while the body has not come to its first checkpoint (`before`), while the execution
is suspended, between our record and Lambda's, or after it has completed.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
from aws_durable_execution_sdk_python import InvocationError

from kit.durable import DiedError, Executions, real
from kit.network.processes import until
from lambda_idempotency import Store, StoreError, current, idempotent
from lambda_idempotency.decorators import durable, resources
from lambda_idempotency.execution.durable.liveness import Liveness
from lambda_idempotency.protocol.record import COMPLETED, Conflict, Record

MOMENTS = ("before", "suspended", "between", "after")
EVENTS = ("duplicate", "crash", "stop", "time_out", "store failure", "pause")
ENDS = ("stop", "time_out")

Make = Callable[[Callable[[Any, Any], Any]], Executions]


class Gate:
    """A place in an invocation. The first one to come waits, and dies if it is told to."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.dies = False
        self._reached, self._opened = threading.Event(), threading.Event()

    def reach(self, place: str, error: Exception) -> None:
        """Wait, if this is the place."""
        if place == self.place and not self._reached.is_set():
            self._reached.set()
            assert self._opened.wait(30)
            if self.dies:
                raise error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait until an invocation is here, and let it go on after the block."""
        assert self._reached.wait(30)
        try:
            yield
        finally:
            self._opened.set()


class Shop:
    """A durable function that charges, waits for a callback and ships."""

    def __init__(self, make: Make, store: Any) -> None:
        self.charges: Counter[str] = Counter()
        self.shipments: Counter[str] = Counter()
        self._keys: dict[str, str] = {}
        self._store = store
        self._gate = Gate("nowhere")
        self._crashes = False
        self._pay = make(self._handler)
        self._pay.before, self._pay.after = self._starts, self._answers

    def strike(self, moment: str, event: str) -> None:
        """Let an event strike an execution, and check how it ends."""
        self._order = f"{moment}, {event}"
        self._gate = Gate({"before": "body", "between": "recorded"}.get(moment, "nowhere"))
        if event == "store failure":
            self._gate = Gate("nowhere")
        if (moment, event) == ("before", "store failure"):
            self._fail_once("claim")
        arn = self._start()
        if moment == "after":
            self._settled(arn)
        elif moment == "suspended":
            self._pay.callback(arn)
        elif moment == "between":
            callback = self._pay.callback(arn)
            if event == "store failure":
                self._fail_until_restored("complete")
            self._pay.answer(callback)
        with nullcontext() if self._gate.place == "nowhere" else self._gate.held():
            self._happens(moment, event, arn)
        if event == "pause":
            self._resume(arn)
        first = self._settled(arn)
        self._restore()
        ended = [first, *(self._settled(self._start()) for _ in range(2))]
        self._check(moment, event, ended)

    def _happens(self, moment: str, event: str, arn: str) -> None:
        if event == "duplicate":
            self._duplicate()
        elif event == "crash":
            self._gate.dies = True
            self._crashes = self._gate.place == "nowhere"  # the next invocation
        elif event in ENDS and moment != "after":
            getattr(self._pay, event)(arn)
            self._gate.dies = True
        elif event == "store failure" and moment in ("suspended", "after"):
            self._fail_once("claim")
        elif event == "pause":
            with suppress(TimeoutError):  # it is asked for, whatever runs
                self._pay._runner.pause_execution(arn, timeout=0.01)

    def _resume(self, arn: str) -> None:
        with suppress(TimeoutError):
            self._pay._runner.pause_execution(arn, timeout=1)  # nothing runs any more
        self._duplicate()
        self._pay._runner.resume_execution(arn)

    def _check(self, moment: str, event: str, ended: list[dict[str, Any]]) -> None:
        dies = event in ENDS and moment in ("before", "suspended")
        record = self._record()
        assert record is not None, self._order
        assert (record.status, record.attempt) == (COMPLETED, 1 + dies), self._order
        first, *others = ended
        if event in ENDS and moment != "after":
            assert first["Status"] in ("STOPPED", "TIMED_OUT"), self._order
        else:
            others.append(first)
        results = {each.get("Result") for each in others if each["Status"] == "SUCCEEDED"}
        assert len(results) == 1, (self._order, ended)
        assert len(others) == len([each for each in others if "Result" in each]), self._order
        charges = 1 + (dies and moment == "suspended")
        effects = self.charges[self._order], self.shipments[self._order]
        assert effects == (charges, 1), self._order

    def _duplicate(self) -> None:
        """Start a duplicate: it gets the recorded answer, or is refused."""
        record = self._record()
        ended = self._settled(self._start())
        if record is not None and record.status == COMPLETED:
            assert ended["Status"] == "SUCCEEDED", self._order
        else:
            assert ended["Error"]["ErrorType"].endswith(".InProgressError"), self._order

    def _start(self) -> str:
        self._pay.clock += 10  # what is known of executions is forgotten
        return self._pay.start({"order": self._order})

    def _settled(self, arn: str) -> dict[str, Any]:
        """Answer an execution's callbacks until it ends; return what Lambda tells of it."""
        executor = self._pay._runner._executor

        def is_settled() -> bool:
            execution = executor.get_execution(arn)
            for each in execution.operations:
                if each.callback_details and each.status.value == "STARTED":
                    with suppress(Exception):  # it has ended meanwhile
                        self._pay.answer(each.callback_details.callback_id)
            return bool(execution.is_complete)

        until(is_settled, f"{self._order}: the execution ends")
        return self._pay.get_durable_execution(arn, data=True)

    def _record(self) -> Record | None:
        key = self._keys.get(self._order)
        reply = None if key is None else self._store.read(key)
        return reply.record if isinstance(reply, Conflict) else None

    def _fail_once(self, verb: str) -> None:
        def fail(*_: Any) -> Any:
            self._restore()
            raise StoreError("the store is away")

        setattr(self._store, verb, fail)

    def _fail_until_restored(self, verb: str) -> None:
        def fail(*_: Any) -> Any:
            raise OSError("the store is away")

        setattr(self._store, verb, fail)

    def _restore(self) -> None:
        for verb in ("claim", "complete"):
            with suppress(AttributeError):
                delattr(self._store, verb)

    def _starts(self, _: int) -> None:
        if self._crashes:
            self._crashes = False
            raise DiedError

    def _answers(self, _: int, answer: Any) -> None:
        if answer["Status"] == "SUCCEEDED":
            self._gate.reach("recorded", DiedError())

    def _handler(self, event: Any, context: Any) -> Any:
        order = event["order"]
        self._keys[order] = current().key
        self._gate.reach("body", InvocationError("died"))
        charge = context.step(lambda _: self._charge(order), name="charge")
        context.create_callback(name="approve").result()
        context.step(lambda _: self._ship(order), name="ship")
        return {"charge": charge}

    def _charge(self, order: str) -> int:
        self.charges[order] += 1
        return self.charges[order]

    def _ship(self, order: str) -> None:
        self.shipments[order] += 1


FORMS = [
    pytest.param(form, marks=pytest.mark.xdist_group(f"durable, {form}"))
    for form in ("inside", "outside", "wrapped")
]
"""Each on a worker of its own: they wait more than they work."""


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make(form: str, place: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Yield the maker of a durable function with the store of the test."""
    options: Any = {"name": "pay", "key": "order", "namespace": form, "execution_timeout": 300}

    def wrapped(function: Any) -> Any:
        module: Any = ModuleType("own")
        module.handler = function
        monkeypatch.setitem(sys.modules, "own", module)
        settings = {"STORE": "dynamodb", "TABLE": "any", "HANDLER": "own.handler", "KEY": "order"}
        settings |= {"NAMESPACE": form, "EXECUTION_TIMEOUT": "300"}
        for name, value in settings.items():
            monkeypatch.setenv(f"IDEMPOTENCY_{name}", value)
        monkeypatch.setattr(resources, "_dynamodb", lambda *_: place)
        monkeypatch.delitem(sys.modules, "lambda_idempotency.wrap", raising=False)
        return import_module("lambda_idempotency.wrap").handler

    with ExitStack() as exits:

        def made(handler: Callable[[Any, Any], Any]) -> Executions:
            ours = idempotent(store=place, **options)
            function = {
                "inside": lambda: real(ours(handler), outer=lambda durable: durable),
                "outside": lambda: real(handler, outer=ours),
                "wrapped": lambda: real(handler, outer=wrapped),
            }[form]()
            executions = exits.enter_context(Executions(function))
            liveness = Liveness(lambda: executions, clock=lambda: executions.clock)
            monkeypatch.setattr(durable, "_liveness", lambda: liveness)
            return executions

        yield made


def test_one_answer_and_no_unexplained_effect(make: Make, place: Store) -> None:
    shop = Shop(make, place)
    for moment in MOMENTS:
        for event in EVENTS:
            shop.strike(moment, event)
