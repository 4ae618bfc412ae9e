"""Deliberately broken variants of the production code: the invariants must catch each of them.

A mutant is made from the source text, so a change of that text must adapt its mutants.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Final

from lambda_idempotency.clients.aws import clock
from lambda_idempotency.protocol import acquiring, endings, executions, recovery
from lambda_idempotency.protocol import machine as protocol
from lambda_idempotency.stores import dynamodb, dynamodb_conditions, memory, transaction
from simulation.explorer import invariants
from simulation.explorer.scenarios import Scenario, scenario
from simulation.explorer.world import Subject


@dataclass(frozen=True)
class Mutation:
    """A piece of source and its replacement, the calls that try it, and what catches it."""

    name: str
    module: ModuleType
    old: str
    new: str
    scenario: str
    caught_by: str
    faults: int | None = None
    """The most faults, where those of the scenario would hide it in a space too large."""
    moments: int | None = None
    """The first moments alone, for the same reason."""

    def subject(self) -> Subject:
        """Return the production code with this one change."""
        if not self.old:
            return Subject()
        mutants = [_mutated(self.module, self.old, self.new)]
        for user in _USERS.get(self.module, ()):
            mutants.append(_using(user, mutants))
        module = mutants[-1]
        if hasattr(module, "recovery_point"):
            return Subject(recovery=module)
        if hasattr(module, "run_once"):
            return Subject(start=module.run_once)
        if hasattr(module, "MemoryStore"):
            return Subject(memory=module.MemoryStore)
        return Subject(dynamodb=module.DynamoDBStore)

    def where(self) -> Scenario:
        """Return the calls that it is tried on."""
        found = scenario(self.scenario)
        if self.faults is not None:
            found = replace(found, faults=self.faults)
        if self.moments is not None:
            found = replace(found, seconds=found.seconds[: self.moments])
        if self.old:
            return found
        return replace(found, calls=tuple(call._replace(owner="a" * 32) for call in found.calls))


def _mutated(module: ModuleType, old: str, new: str) -> ModuleType:
    source = inspect.getsource(module)
    assert not old or source.count(old) == 1, (
        f"{module.__name__} has {source.count(old)} times {old!r}"
    )
    mutant = ModuleType(module.__name__)
    mutant.__package__ = module.__package__
    exec(compile(source.replace(old, new), f"<mutant of {module.__name__}>", "exec"), vars(mutant))
    return mutant


def _using(user: ModuleType, mutants: list[ModuleType]) -> ModuleType:
    """Return a copy of a module that uses mutants of other modules."""
    copy = _mutated(user, "", "")
    for module in mutants:
        short = module.__name__.rpartition(".")[2]
        for name in vars(copy):
            if name == short:
                setattr(copy, name, module)
            elif hasattr(module, name) and not name.startswith("__"):
                setattr(copy, name, getattr(module, name))
    return copy


_USERS: Final[dict[ModuleType, tuple[ModuleType, ...]]] = {
    acquiring: (protocol,),
    endings: (acquiring, protocol),
    executions: (acquiring, protocol),
    clock: (dynamodb,),
    dynamodb_conditions: (dynamodb,),
    transaction: (dynamodb,),
}
"""The modules that use a mutated one, each after those that it uses."""

MUTATIONS: Final = (
    Mutation(
        "unconditional complete",
        memory,
        "elif not _is_own(found, completion.owner) and (\n"
        "                completion.strict or completion.writes or found.status != PARKED\n"
        "            ):",
        "elif False:",
        "two",
        invariants.ONE_OWNER,
    ),
    Mutation(
        "unconditional complete in DynamoDB",
        dynamodb_conditions,
        "COMPLETE_OR_CREATE: Final = Condition(_OWN, _PARKED, _ABSENT, _EXPIRED)",
        'COMPLETE_OR_CREATE: Final = Condition(_ABSENT, "attribute_exists(#id)")',
        "clocks-two",
        invariants.FIXED_ANSWER,
    ),
    Mutation(
        "unconditional release",
        memory,
        "            if not _is_own(found, owner) or found.steps is not None:\n",
        "            if False:\n",
        "three",
        invariants.FIXED_ANSWER,
    ),
    Mutation(
        "lease compare flipped",
        memory,
        "return is_seen and not found.leased(now)",
        "return is_seen and found.leased(now)",
        "two",
        invariants.NO_BLOCK,
    ),
    Mutation(
        "lease compare flipped in DynamoDB",
        dynamodb_conditions,
        "#lease_end <= :now_ms",
        "#lease_end >= :now_ms",
        "clocks-two",
        invariants.NO_BLOCK,
    ),
    Mutation(
        "lease not compared at all",
        acquiring,
        "return InProgress(found, now) if found.leased(now) else None",
        "return None",
        "two",
        invariants.PROGRESS,
        faults=0,
    ),
    Mutation(
        "owner reused",
        protocol,
        "",
        "",
        "two",
        invariants.EXCLUSION,
    ),
    Mutation(
        "own claim not recognized",
        acquiring,
        "if found.owner == call.owner and found.leased(now):",
        "if False:",
        "two",
        invariants.OWN_CLAIM,
    ),
    Mutation(
        "late run not recognized",
        protocol,
        "yield Run(held.attempt, held.lease_ms, ",
        "yield Run(held.attempt, None, ",
        "two",
        invariants.EXCLUSION,
    ),
    Mutation(
        "lease counted from when the claim was recognized",
        acquiring,
        "return _held(call, found, found.lease_end - now, step, found.expiration)",
        "return _held(call, found, call.lease_ms, step, found.expiration)",
        "waiting",
        invariants.EXCLUSION,
        moments=3,
    ),
    Mutation(
        "fingerprint dropped at completion",
        endings,
        "return call.completion(",
        "return call._replace(fingerprint=None).completion(",
        "payloads",
        invariants.TRUE_REPLAY,
    ),
    Mutation(
        "expiry trusted to TTL",
        memory,
        "None if found is None or found.expired(now) else found",
        "found",
        "two",
        invariants.NO_BLOCK,
    ),
    Mutation(
        "expiry trusted to TTL in DynamoDB",
        dynamodb_conditions,
        "CLAIM: Final = Condition(_ABSENT, _EXPIRED)",
        "CLAIM: Final = Condition(_ABSENT)",
        "clocks-two",
        invariants.NO_BLOCK,
    ),
    Mutation(
        "claim after failed NX without re-claim",
        acquiring,
        "step, claims = _claim(call, seen=found), claims + 1",
        "if found is not None:\n"
        "                return HeldLease(found.attempt + 1, found.expiration, call.lease_ms)\n"
        "            step, claims = _claim(call, seen=found), claims + 1",
        "three",
        invariants.NO_REPEAT,
    ),
    Mutation(
        "orphan taken over whoever owns it by now",
        memory,
        "return is_seen and not found.leased(now)",
        "return found.status == INPROGRESS",
        "three",
        invariants.EXCLUSION,
    ),
    Mutation(
        "key released when its answer cannot be recorded",
        endings,
        "if isinstance(reply, Failed):\n"
        '        yield Emit("CompletionFailed", reply.error, held.attempt)\n'
        "    elif",
        "if isinstance(reply, Failed):\n        yield from release(call, held)\n    elif",
        "two",
        invariants.NO_REPEAT,
    ),
    Mutation(
        "result given up when it cannot be recorded",
        endings,
        "if isinstance(reply, Failed):\n"
        '        yield Emit("CompletionFailed", reply.error, held.attempt)\n'
        "    elif",
        "if isinstance(reply, Failed):\n        return LeaseLost(call.key)\n    elif",
        "two",
        invariants.RESULT,
    ),
    Mutation(
        "own completion not recognized",
        endings,
        "elif isinstance(reply, Conflict) and reply.record.owner != call.owner:\n"
        "        yield _lease_lost(held, reply)\n"
        "        if _answers(call, reply.record):\n"
        "            return Replayed(reply.record, Executed(ran.result))",
        "elif isinstance(reply, Conflict):\n        return LeaseLost(call.key)",
        "two",
        invariants.RESULT,
    ),
    Mutation(
        "attempts not counted",
        acquiring,
        "call.claim_with(seen.attempt + died, progress)",
        "call.claim_with(1, progress)",
        "parking",
        invariants.PARKING,
    ),
    Mutation(
        "key released by a take-over of unknown outcome",
        acquiring,
        "if after_death or step.reenters:",
        "if step.reenters:",
        "parking",
        invariants.PARKING,
    ),
    Mutation(
        "dead attempt forgotten by a take-over of unknown outcome",
        acquiring,
        "if after_death or step.reenters:",
        "if step.reenters:",
        "reconciling",
        invariants.RECONCILING,
    ),
    Mutation(
        "dead attempt forgotten by a failed reconciliation",
        protocol,
        "if isinstance(ran, Raised):\n            # The key",
        "if False:\n            # The key",
        "reconciling",
        invariants.RECONCILING,
    ),
    Mutation(
        "dead attempt not asked about",
        protocol,
        "if call.reconciles and held.after_death:",
        "if False:",
        "reconciling",
        invariants.RECONCILING,
    ),
    Mutation(
        "commit without the fence in DynamoDB",
        transaction,
        '_OWN: Final = "#status = :inprogress AND #owner = :me"',
        '_OWN: Final = "attribute_not_exists(#owner) OR #status = :inprogress OR #owner = :me"',
        "commits-clocks",
        invariants.ONE_COMMIT,
    ),
    Mutation(
        "commit without a claim sent again",
        endings,
        "yield from send(completion) if claimed else _once(completion)",
        "yield from send(completion)",
        "commits-open",
        invariants.ONE_COMMIT,
    ),
    Mutation(
        "refused commit without a claim told as applied",
        endings,
        "CommitFailed(call.key, _UNCLAIMED, applied=False)",
        "CommitFailed(call.key, _UNCLAIMED, applied=True)",
        "commits-open",
        invariants.TRUE_COMMIT,
    ),
    Mutation(
        "refused commit not compared with what is recorded",
        endings,
        "if _is_done(call, freed):",
        "if False:",
        "commits",
        invariants.TRUE_COMMIT,
    ),
    Mutation(
        "commit without the fence",
        memory,
        "if not completion.may_create(now):",
        "if False:",
        "commits",
        invariants.ONE_COMMIT,
    ),
    Mutation(
        "a waiter runs once it has waited enough",
        acquiring,
        "# the store's clock may be set back\n                return verdict",
        "\n                assert found is not None\n"
        "                return HeldLease(found.attempt, found.expiration, call.lease_ms)",
        "waiting",
        invariants.EXCLUSION,
    ),
    Mutation(
        "answer to another payload given after a lost lease",
        endings,
        "found.status == COMPLETED and found.data is not None and not differs(call, found)",
        "found.status == COMPLETED",
        "payloads",
        invariants.TRUE_REPLAY,
    ),
    Mutation(
        "renewal without the fence",
        memory,
        "            if not _is_own(found, claim.owner) or _is_ahead(found, claim):",
        "            if False:",
        "renewing",
        invariants.FIXED_ANSWER,
    ),
    Mutation(
        "renewal without the fence in DynamoDB",
        dynamodb_conditions,
        '_OWN: Final = "(#status = :inprogress AND #owner = :me AND #expiration > :now)"',
        '_OWN: Final = "(#owner = :me AND #expiration > :now)"',
        "renewing-clocks",
        invariants.FIXED_ANSWER,
    ),
    Mutation(
        "lease taken over that was renewed since it was seen",
        memory,
        "return is_seen and not found.leased(now)",
        "return is_seen",
        "renewing",
        invariants.EXCLUSION,
    ),
    Mutation(
        "lease taken over that was renewed since it was seen, in DynamoDB",
        dynamodb_conditions,
        "#lease_end <= :now_ms AND ",
        "",
        "renewing-clocks",
        invariants.EXCLUSION,
    ),
    Mutation(
        "step within a request not noticed",
        clock,
        "even = _runs_evenly(sent.moment, received)",
        "even = True",
        "clocks-set",
        invariants.NO_BLOCK,
    ),
    Mutation(
        "step between requests not noticed",
        clock,
        "checked = confirmed is not None and _runs_evenly(confirmed, moment)",
        "checked = confirmed is not None",
        "clocks-set",
        invariants.EXCLUSION,
    ),
    Mutation(
        "recovery point erased by a take-over that did not see it",
        memory,
        " and found.revision == seen.revision",
        "",
        "steps",
        invariants.SAME_RESULT,
    ),
    Mutation(
        "recovery point erased by a take-over that did not see it, in DynamoDB",
        dynamodb_conditions,
        "#revision = :revision AND ",
        "",
        "steps-clocks",
        invariants.SAME_RESULT,
    ),
    Mutation(
        "recovery points taken over without their results",
        acquiring,
        "progress = Progress(seen.revision + 1, seen.steps)",
        "progress = Progress(seen.revision + 1, None)",
        "steps",
        invariants.SAME_RESULT,
    ),
    Mutation(
        "two recovery points side by side with one revision",
        recovery,
        "revision=progress.revision + 1",
        "revision=progress.revision",
        "steps-side-by-side",
        invariants.SAME_RESULT,
    ),
    Mutation(
        "steps deleted with the record of an attempt that gives up",
        memory,
        "if version.replace(claim.record(now)):\n                self.committed",
        "if version.replace(claim.record(now) if claim.lease_ms else None):\n"
        "                self.committed",
        "steps",
        invariants.SAME_RESULT,
    ),
    Mutation(
        "lease let go although a step's writes may have been applied",
        endings,
        "if held.progress.uncertain:",
        "if False:",
        "steps-writes",
        invariants.SAME_RESULT,
    ),
    Mutation(
        "writes of a step counted as not applied while they are under way",
        recovery,
        "uncertain=bool(writes)",
        "uncertain=False",
        "steps-writes",
        invariants.SAME_RESULT,
    ),
    Mutation(
        "writes of a step believed refused while another try of them is under way",
        recovery,
        "return unknown if refused and unknown is not None else reply",
        "return reply",
        "steps-writes",
        invariants.SAME_RESULT,
    ),
    Mutation(
        "recorded steps not told to the next attempt",
        protocol,
        "_renewal(call, held), held.progress)",
        "_renewal(call, held))",
        "steps",
        invariants.ONCE,
    ),
    Mutation(
        "giving up counted as a death",
        acquiring,
        "died = seen.owner != call.owner and not seen.given_up",
        "died = seen.owner != call.owner",
        "steps",
        invariants.NO_DEATH,
    ),
    Mutation(
        "step accepted from an attempt that lost its lease",
        memory,
        "if not _is_own(found, claim.owner) or _is_ahead(found, claim):",
        "if found.status != INPROGRESS or _is_ahead(found, claim):",
        "steps",
        invariants.STEP_FENCE,
    ),
    Mutation(
        "step accepted from an attempt that lost its lease, in DynamoDB",
        dynamodb_conditions,
        "#owner = :me AND #revision <= :revision",
        "#revision <= :revision",
        "steps-clocks",
        invariants.STEP_FENCE,
    ),
    Mutation(
        "lease let go without a revision of its own",
        endings,
        "return Renew(claim.given_up()) if held.keeps",
        "return Renew(claim.given_up()._replace(revision=claim.revision)) if held.keeps",
        "steps",
        invariants.LET_GO,
    ),
    Mutation(
        "handler's error told before its record is let go",
        protocol,
        "        if not ran.suspended:\n            yield from release(call, held)\n",
        "",
        "steps",
        invariants.LET_GO,
    ),
    Mutation(
        "writes of a step applied at each arrival",
        memory,
        "claim.revision + (not claim.writes)",
        "claim.revision + 1",
        "steps-writes",
        invariants.ONE_COMMIT,
    ),
    Mutation(
        "writes of a step applied at each arrival, in DynamoDB",
        transaction,
        "#revision < :revision",
        "#revision <= :revision",
        "steps-writes-clocks",
        invariants.ONE_COMMIT,
    ),
    # Durable executions.
    Mutation(
        "suspended execution lets go of its key",
        protocol,
        "    if ran.suspended:\n        return Executed(ran.result)\n",
        "",
        "executions",
        invariants.SUSPENDED,
        faults=0,
    ),
    Mutation(
        "claim of an earlier invocation undone by a later one",
        acquiring,
        "if after_death or step.reenters:",
        "if after_death:",
        "executions",
        invariants.EXCLUSION,
        faults=2,
    ),
    Mutation(
        "running execution taken for a failed one",
        executions,
        'if fate.state == "running":',
        'if fate.state == "running" and False:',
        "executions",
        invariants.EXCLUSION,
        faults=0,
    ),
    Mutation(
        "execution that succeeded runs again",
        executions,
        'if fate.state == "succeeded":',
        'if fate.state == "succeeded" and False:',
        "executions",
        invariants.EXCLUSION,
        faults=1,
    ),
    Mutation(
        "stopped execution counted as one that gave up",
        executions,
        "lease_ms=0 if failed else _ENDED_MS,",
        "lease_ms=0,",
        "executions-reconciling",
        invariants.RECONCILING,
        faults=0,
    ),
)
