"""An environment that Lambda would refuse is refused at synth."""

from __future__ import annotations

import pytest

from cdk_idempotency import Idempotency
from kit.synth import function, stack, template


def test_an_environment_beyond_4_kb_is_an_error() -> None:
    scope = stack()
    payments = function(scope)
    Idempotency(scope, "Idempotency").attach(payments)
    payments.add_environment("LARGE", "x" * 4090)
    with pytest.raises(Exception, match=r"Stack/Payments: the environment has 4\d\d\d bytes"):
        template(scope)


def test_an_environment_of_almost_4_kb_is_in_order() -> None:
    scope = stack()
    payments = function(scope)
    Idempotency(scope, "Idempotency").attach(payments)
    payments.add_environment("LARGE", "x" * 3900)
    template(scope).resource_count_is("AWS::Lambda::Function", 1)
