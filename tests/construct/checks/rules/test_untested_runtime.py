"""A Python that is newer than this release is told, and not refused."""

from __future__ import annotations

from cdk_idempotency.inspection import resource_of
from kit.changed import changed
from kit.checks import attached, findings
from kit.synth import function, stack

RULE = "untested-runtime"

# Not by `lambda_.Runtime(...)`: it would be the newest one for all tests of this process.
NEWER = "python3.42"


def test_a_newer_python_is_told() -> None:
    [finding] = findings(changed(stack(), runtime=NEWER), RULE)
    assert finding.severity == "warning"
    assert "runs on python3.42" in finding.message


def test_a_function_on_a_newer_python_is_attached() -> None:
    payments = function(stack())
    resource_of(payments).runtime = NEWER
    idempotency = attached(payments)
    assert len(findings(idempotency, RULE)) == 1
    assert findings(idempotency, "runtime") == []


def test_a_known_python_is_in_order() -> None:
    assert findings(changed(stack()), RULE) == []
