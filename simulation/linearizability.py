"""A check that a register with a lease explains what callers saw of one key.

The register is empty, held under a lease, or holds an answer. Each call acts on it at points in
time that nobody sees: it acquires the register between its start and its run, and records its
answer, or lets go, between its handler's end and its own. The history is explained if there are
such points, in one order, at which the register allowed what the callers saw (Herlihy and Wing,
"Linearizability", TOPLAS 1990; the search is Wing and Gong's, with a memory of visited states).

Because time matters, a state knows the interval in which its first moment lies; every later point
narrows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Final, Literal, NamedTuple, TypeAlias

from simulation.histories import Operation

Act: TypeAlias = Literal["acquires", "records", "lets go", "replays", "is refused", "does nothing"]


@dataclass(frozen=True)
class Register:
    """A register: the durations of leases and answers, and the tolerance of clocks, in seconds.

    `renewed`: runs may renew their leases, so a lease lasts for `lease` or longer.
    """

    lease: float
    expires_after: float
    tolerance: float = 0.0
    renewed: bool = False


class Point(NamedTuple):
    """An action of a call on the register, at some time from `first` to `last`."""

    operation: int
    act: Act
    first: float
    last: float
    optional: bool = False


class State(NamedTuple):
    """The state of the register: `owner` holds it, or `answer` is in it, since some time from
    `first` to `last`. Both None: it is empty."""

    owner: int | None = None
    answer: str | None = None
    first: float = -inf
    last: float = inf


_Node: TypeAlias = tuple[tuple[int, ...], State, float]
"""The number of placed points of each call, the register, and the earliest time of the next."""

_LOOKS: Final = ("replays", "is refused")


class NotLinearizableError(AssertionError):
    """No order of points explains the history."""


class UndecidedError(Exception):
    """There are more orders than the limit, and none of those that were tried explains it."""


def check(
    history: tuple[Operation, ...], register: Register, *, most: int | None = None
) -> list[str]:
    """Return an explanation: what each call did to the register, in order.

    Calls that may have done nothing are left out at first: each of them doubles the number of
    orders. `most` is the number of states to look at; None: all. Raise `NotLinearizableError`,
    with as much as could be explained, and `UndecidedError`.
    """
    certain = tuple(call for call in history if not all(p.optional for p in _points(0, call)))
    search = _Search(certain, register, most)
    if search.succeeds():
        return search.told(search.best)
    if len(certain) < len(history):
        search = _Search(history, register, most)
        if search.succeeds():
            return search.told(search.best)
    told = "\n".join(search.told(search.best))
    rest = ", ".join(sorted(search.missing()))
    raise NotLinearizableError(
        f"no order explains this history; it ends after\n{told}\nwith {rest}"
    )


class _Search:
    """A search that places points one after the other; each call's own come in their order."""

    def __init__(
        self, history: tuple[Operation, ...], register: Register, most: int | None
    ) -> None:
        self._history = history
        self._most = inf if most is None else most
        self._register = register
        self._points = [tuple(_points(number, call)) for number, call in enumerate(history)]
        self.best: list[Point] = []
        """The longest explanation so far."""

    def succeeds(self) -> bool:
        """Look for an order of all points. Raise `UndecidedError`."""
        start: _Node = (tuple(0 for _ in self._points), State(), -inf)
        seen = {start}
        stack = [(start, self._next(start))]
        placed: list[Point] = []
        while stack:
            (done, _, _), following = stack[-1]
            if self._complete(done):
                self.best = placed
                return True
            if len(placed) > len(self.best):
                self.best = list(placed)
            for point, after in following:
                if after not in seen:
                    if len(seen) >= self._most:
                        raise UndecidedError
                    seen.add(after)
                    placed.append(point)
                    stack.append((after, self._next(after)))
                    break
            else:
                stack.pop()
                if placed:
                    placed.pop()
        return False

    def _complete(self, done: tuple[int, ...]) -> bool:
        rests = (points[start:] for points, start in zip(self._points, done, strict=True))
        return all(point.optional for rest in rests for point in rest)

    def _next(self, node: _Node) -> Iterator[tuple[Point, _Node]]:
        """Yield the points that may come next, and what they lead to."""
        done, state, now = node
        found = list(self._all_next(*node))
        looks = [next_ for next_ in found if next_[0].act in _LOOKS and next_[1][1] == state]
        if not looks:
            return iter(found)
        # A look that changes nothing, and that no change can precede, can come now without loss.
        look = min(looks, key=lambda next_: next_[0].last)
        heads = (points[at] for points, at in zip(self._points, done, strict=True) if points[at:])
        changes = (max(head.first, now) for head in heads if head.act not in _LOOKS)
        return iter([look] if look[1][2] <= min(changes, default=inf) else found)

    def _all_next(
        self, done: tuple[int, ...], state: State, now: float
    ) -> Iterator[tuple[Point, _Node]]:
        heads = [points[at:] for points, at in zip(self._points, done, strict=True)]
        # No point comes after a moment by which another must have come.
        latest = min((rest[0].last for rest in heads if rest and not rest[0].optional), default=inf)
        for number, rest in enumerate(heads):
            if not rest or max(rest[0].first, now) > min(rest[0].last, latest):
                continue
            after = (*done[:number], done[number] + 1, *done[number + 1 :])
            for state_, now_ in self._acts(rest[0], state, max(rest[0].first, now)):
                yield rest[0], (after, state_, now_)
            if rest[0].optional:  # it did not happen, nor did what follows from it
                skipped = (*done[:number], len(self._points[number]), *done[number + 1 :])
                yield rest[0]._replace(act="does nothing"), (skipped, state, now)

    def _acts(self, point: Point, state: State, at: float) -> Iterator[tuple[State, float]]:
        """Yield the register after a point, and the earliest time of the point."""
        own = state.owner == point.operation
        call, rules = self._history[point.operation], self._register
        if point.act == "acquires":
            if state != State():
                lasts = rules.lease if state.answer is None else rules.expires_after
                at = max(at, state.first + lasts - rules.tolerance)
            if at <= point.last:
                yield State(point.operation, None, at, point.last), at
        elif point.act == "records":
            if state.owner is not None and not own:  # overtaken by a call that runs
                yield _until(state, point.last), at
                return
            if state.answer is not None:
                at = max(at, state.first + rules.expires_after - rules.tolerance)
            if at <= point.last:
                yield State(None, call.result, at, point.last), at
        elif point.act == "lets go":
            yield (State() if own else _until(state, point.last)), at
        elif point.act == "replays":
            if state.answer is not None and state.answer == call.answer:
                yield from self._within(state, point, at, rules.expires_after)
        elif point.act == "is refused" and state.owner is not None and not own:
            yield from self._within(state, point, at, inf if rules.renewed else rules.lease)

    def _within(
        self, state: State, point: Point, at: float, lasts: float
    ) -> Iterator[tuple[State, float]]:
        """Yield the state, narrowed, after a point that it allows only as long as it lasts."""
        first = max(state.first, at - lasts - self._register.tolerance)
        narrowed = _until(state._replace(first=first), point.last)
        if narrowed.first <= narrowed.last:
            yield narrowed, at

    def told(self, points: list[Point]) -> list[str]:
        """Return the points in words."""
        return [
            f"{self._history[point.operation].name} {point.act}"
            for point in points
            if point.act != "does nothing"
        ]

    def missing(self) -> set[str]:
        """Return the calls of which something is unexplained."""
        placed = {(point.operation, point.act) for point in self.best}
        return {
            self._history[point.operation].name
            for points in self._points
            for point in points
            if not point.optional and (point.operation, point.act) not in placed
        }


def _until(state: State, last: float) -> State:
    """Return a state that began before a point that comes no later than this."""
    return state if state == State() else state._replace(last=min(state.last, last))


def _points(number: int, call: Operation) -> Iterator[Point]:
    """Yield what a call must have done to the register, or may have done."""
    ended = inf if call.ended is None else call.ended
    if call.ran is None:
        if call.ending == "replayed":
            yield Point(number, "replays", call.called, ended)
        elif call.ending == "busy":
            yield Point(number, "is refused", call.called, ended)
        else:  # nobody knows whether its claim arrived, and when
            yield Point(number, "acquires", call.called, inf, optional=True)
            if call.ending == "unavailable":
                yield Point(number, "lets go", call.called, inf, optional=True)
        return
    yield Point(number, "acquires", call.called, call.ran)
    if call.returned is None:
        return
    if call.ending == "replayed":
        yield Point(number, "replays", call.returned, ended)
        return
    unknown = call.ending in (None, "unrecorded")
    act: Act = "lets go" if call.result is None else "records"
    yield Point(number, act, call.returned, inf if unknown else ended, optional=unknown)
