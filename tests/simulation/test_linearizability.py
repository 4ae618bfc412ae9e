"""The checker of histories, on histories made by hand and on those of a register itself."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from simulation.histories import Operation
from simulation.linearizability import NotLinearizableError, Register, UndecidedError, check

REGISTER = Register(lease=10, expires_after=100)


def _ran(name: str, *times: float, ending: Any = "executed", **seen: Any) -> Operation:
    """Return a call, its handler's start and end, and its own end, as far as these were seen."""
    known: dict[str, Any] = dict(zip(("called", "ran", "returned", "ended"), times, strict=False))
    if "returned" in known and ending != "raised":
        known["result"] = known["answer"] = name
    if "ended" in known:
        known["ending"] = ending
    return Operation(name, **{**known, **seen})


def _given(name: str, called: float, ended: float, answer: str) -> Operation:
    return Operation(name, called, ended=ended, ending="replayed", answer=answer)


def _busy(name: str, called: float, ended: float) -> Operation:
    return Operation(name, called, ended=ended, ending="busy")


GOOD: dict[str, list[Operation]] = {
    "nothing": [],
    "one call": [_ran("a", 0, 1, 2, 3)],
    "a duplicate afterwards": [_ran("a", 0, 1, 2, 3), _given("b", 4, 5, "a")],
    "a duplicate that began before": [_given("b", 0, 5, "a"), _ran("a", 0, 1, 2, 3)],
    "a duplicate that meets the run": [_ran("a", 0, 1, 8, 9), _busy("b", 2, 3)],
    "a duplicate that may have met the run": [_ran("a", 0, 1, 2, 3), _busy("b", 0, 9)],
    "a run that raised lets the next run": [
        _ran("a", 0, 1, 2, 3, ending="raised"),
        _ran("b", 4, 5, 6, 7),
    ],
    "a process that dies is followed when its lease ends": [
        _ran("a", 0, 1),
        _busy("b", 5, 6),
        _ran("c", 12, 13, 14, 15),
    ],
    "a lease may have begun before the run": [_ran("a", 0, 5), _ran("b", 9, 10.5, 11, 12)],
    "a process that dies may have recorded its answer": [
        _ran("a", 0, 1, 2),
        _given("b", 4, 5, "a"),
    ],
    "a process that dies may not have recorded its answer": [
        _ran("a", 0, 1, 2),
        _ran("b", 12, 13, 14, 15),
    ],
    "a process may have died after its claim": [Operation("a", 0), _busy("b", 2, 3)],
    "a process may have died before its claim": [Operation("a", 0), _ran("b", 2, 3, 4, 5)],
    "a claim of unknown outcome": [
        Operation("a", 0, ended=1, ending="unavailable"),
        _busy("b", 2, 3),
        _ran("c", 4, 5, 6, 7),
    ],
    "an answer that could not be recorded is followed when the lease ends": [
        _ran("a", 0, 1, 2, 3, ending="unrecorded"),
        _busy("b", 4, 5),
        _ran("c", 12, 13, 14, 15),
    ],
    "a call that a run overtakes gets its own answer": [
        _ran("a", 0, 1, 20, 22),
        _ran("b", 12, 13, 24, 25),
        _given("c", 26, 27, "b"),
    ],
    "who is overtaken by an answer is given it": [
        _ran("a", 0, 1, 20, 22, ending="replayed", answer="b"),
        _ran("b", 12, 13, 14, 15),
    ],
    "who is late and not overtaken still records": [
        _ran("a", 0, 1, 50, 51),
        _given("b", 52, 53, "a"),
    ],
    "an answer expires": [_ran("a", 0, 1, 2, 3), _ran("b", 104, 105, 106, 107)],
    "two that call at once": [
        _ran("a", 0, 2, 3, 4),
        _busy("b", 0, 5),
        _given("c", 1, 6, "a"),
        _busy("d", 1, 3),
    ],
}

BAD: dict[str, list[Operation]] = {
    "two runs at once": [_ran("a", 0, 1, 8, 9), _ran("b", 0, 2, 3, 4)],
    "a run after the answer": [_ran("a", 0, 1, 2, 3), _ran("b", 4, 5, 6, 7)],
    "an answer that nobody gave": [_given("b", 4, 5, "a")],
    "an answer before it was given": [_given("b", 0, 1, "a"), _ran("a", 0, 1, 2, 3)],
    "another answer than the recorded one": [_ran("a", 0, 1, 2, 3), _given("b", 4, 5, "x")],
    "two answers": [
        _ran("a", 0, 1),
        _ran("b", 12, 13, 14, 15),
        _given("c", 16, 17, "b"),
        _given("d", 18, 19, "a"),
    ],
    "an answer after it has expired": [_ran("a", 0, 1, 2, 3), _given("b", 104, 105, "a")],
    "refused by nobody": [_busy("b", 0, 1)],
    "refused after the answer": [_ran("a", 0, 1, 2, 3), _busy("b", 4, 5)],
    "refused beyond the lease": [_ran("a", 0, 1), _busy("b", 12, 13)],
    "refused by a run that raised": [_ran("a", 0, 1, 2, 3, ending="raised"), _busy("b", 4, 5)],
    "a dead process followed too early": [_ran("a", 0, 1), _ran("b", 5, 9, 11, 12)],
    "two that follow a dead process": [
        _ran("a", 0, 1),
        _ran("b", 12, 13, 20, 21),
        _ran("c", 12, 14, 15, 16),
    ],
    "an own answer in the place of the recorded one": [
        _ran("a", 0, 1, 20, 22),
        _ran("b", 12, 13, 14, 15),
    ],
    "an answer of a run that raised": [
        _ran("a", 0, 1, 2, 3, ending="raised"),
        _given("b", 4, 5, "a"),
    ],
    "an answer that was there and is not": [
        _ran("a", 0, 1, 2),
        _given("b", 4, 5, "a"),
        _ran("c", 12, 13, 14, 15),
    ],
    "a lease that would have to be both early and late": [
        # refused at 14, so acquired after 4; followed at 13.5, so acquired before 3.5
        _ran("a", 0, 5),
        _ran("b", 12, 13.5, 15, 16),
        _busy("c", 14, 14.2),
        _given("d", 14.4, 14.6, "a"),
    ],
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_history_is_explained(name: str) -> None:
    history = GOOD[name]
    told = check(tuple(history), REGISTER)
    assert len(told) >= sum(call.ended is not None for call in history) - 1


@pytest.mark.parametrize("name", BAD)
def test_a_bad_history_is_not(name: str) -> None:
    with pytest.raises(NotLinearizableError):
        check(tuple(BAD[name]), REGISTER)


def test_the_order_of_the_calls_in_a_history_does_not_matter() -> None:
    for history in GOOD.values():
        check(tuple(reversed(history)), REGISTER)
    for history in BAD.values():
        with pytest.raises(NotLinearizableError):
            check(tuple(reversed(history)), REGISTER)


def test_an_explanation_says_who_did_what() -> None:
    history = (_ran("a", 0, 1, 8, 9), _busy("b", 2, 3), _given("c", 10, 11, "a"))
    assert check(history, REGISTER) == [
        "a acquires",
        "b is refused",
        "a records",
        "c replays",
    ]


def test_what_cannot_be_explained_is_named() -> None:
    history = (_ran("a", 0, 1, 2, 3), _given("b", 4, 5, "x"))
    with pytest.raises(NotLinearizableError, match="ends after\na acquires\na records\nwith b"):
        check(history, REGISTER)


@pytest.mark.parametrize("name", ["a dead process followed too early", "refused beyond the lease"])
def test_clocks_may_differ_by_the_tolerance(name: str) -> None:
    check(tuple(BAD[name]), Register(lease=10, expires_after=100, tolerance=2))


def test_a_long_history_takes_no_time() -> None:
    calls = [_ran("a", 0, 1, 9, 10)]
    calls += [_busy(f"b{number}", 1, 9) for number in range(150)]
    calls += [_given(f"c{number}", 0, 20, "a") for number in range(150)]
    assert len(check(tuple(calls), REGISTER)) == 302
    with pytest.raises(NotLinearizableError):
        check((*calls, _given("x", 0, 20, "x")), REGISTER)


class _Register:
    """The register itself: each call acts at a known moment."""

    def __init__(self) -> None:
        self.owner: str | None = None
        self.answer: str | None = None
        self.until = 0.0

    def acquire(self, name: str, at: float) -> str | None:
        """Return None if the call may run, else an answer or "busy"."""
        if at < self.until and (self.owner is not None or self.answer is not None):
            return self.answer or "busy"
        self.owner, self.answer, self.until = name, None, at + REGISTER.lease
        return None

    def record(self, name: str, at: float) -> str:
        """Return the answer that the call gets."""
        if self.owner not in (None, name) or (self.answer is not None and at < self.until):
            return name if self.answer is None else self.answer
        self.owner, self.answer, self.until = None, name, at + REGISTER.expires_after
        return name


def _happened(chance: random.Random, number: int) -> list[Operation]:
    """Return calls to a register, each seen with some delay before and after its act."""
    register = _Register()
    acts = sorted((chance.uniform(0, 40), f"{index}", "acquire") for index in range(number))
    calls: dict[str, dict[str, Any]] = {}
    while acts:
        at, name, act = acts.pop(0)
        near, far = chance.uniform(0, 2), chance.uniform(0, 2)
        if act == "record":
            given = register.record(name, at)
            ending = "executed" if given == name else "replayed"
            calls[name] |= {"ended": at + far, "ending": ending, "answer": given}
            continue
        calls[name] = {"called": at - near}
        told = register.acquire(name, at)
        if told is None:
            ran = at + far
            calls[name] |= {"ran": ran}
            if chance.random() < 0.7:  # else it dies
                done = ran + chance.choice([1, 5, 15])
                calls[name] |= {"returned": done, "result": name}
                acts.append((done + chance.uniform(0, 1), name, "record"))
                acts.sort()
        else:
            answer = None if told == "busy" else told
            ending = "busy" if told == "busy" else "replayed"
            calls[name] |= {"ended": at + far, "ending": ending, "answer": answer}
    seen = [Operation(name, **known) for name, known in calls.items()]
    chance.shuffle(seen)
    return seen


@pytest.mark.parametrize("number", [3, 8, 20])
def test_what_a_register_did_is_explained(number: int) -> None:
    chance = random.Random(number)
    for _ in range(200):
        check(tuple(_happened(chance, number)), REGISTER)


def test_what_a_register_did_is_not_explained_with_another_answer() -> None:
    chance, changed = random.Random(1), 0
    for _ in range(200):
        history = _happened(chance, 8)
        given = [call for call in history if call.ending == "replayed"]
        if given:
            changed += 1
            history[history.index(given[0])] = replace(given[0], answer="nobody's")
            with pytest.raises(NotLinearizableError):
                check(tuple(history), REGISTER)
    assert changed > 100


# Calls of unknown effect --------------------------------------------------------------------------

UNKNOWN = tuple(
    Operation(f"u{number}", number / 100, ended=10.0, ending="unavailable") for number in range(40)
)
"""Calls with at least as many orders as subsets."""


def test_calls_of_unknown_effect_that_explain_nothing_cost_nothing() -> None:
    run = Operation("a", 0.0, 0.1, 0.2, "x", 0.3, "executed", "x")
    replay = Operation("b", 1.0, ended=1.1, ending="replayed", answer="x")
    told = check((run, *UNKNOWN, replay), Register(lease=10, expires_after=100), most=10)
    assert told == ["a acquires", "a records", "b replays"]


def test_a_call_of_unknown_effect_may_be_what_others_met() -> None:
    lost = Operation("u", 0.0, ended=0.1, ending="unavailable")
    refused = Operation("b", 0.2, ended=0.3, ending="busy")
    told = check((lost, refused), Register(lease=10, expires_after=100))
    assert told == ["u acquires", "b is refused"]


def test_too_many_orders_are_no_verdict() -> None:
    replay = Operation("b", 11.0, ended=11.1, ending="replayed", answer="of nobody")
    with pytest.raises(UndecidedError):
        check((*UNKNOWN, replay), Register(lease=10, expires_after=100), most=1000)
