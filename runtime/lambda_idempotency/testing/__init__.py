"""Help for tests: of idempotent functions, and of stores of your own. It needs pytest, which no
function does.

- `LambdaContext`, `Clock`, `Simulation`, `sample`: for tests of functions
- `plugin`: fixtures of these
- `store_contract`: the tests that any store must pass
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

try:
    import pytest
except ModuleNotFoundError:
    raise ModuleNotFoundError(
        "lambda_idempotency.testing needs pytest: pip install pytest", name="pytest"
    ) from None

# A failed assert shows its values, as in the modules that pytest finds by itself.
pytest.register_assert_rewrite(f"{__name__}.store_contract", f"{__name__}.store_cases")

if TYPE_CHECKING:
    from .clock import Clock as Clock
    from .context import LambdaContext as LambdaContext
    from .samples.every import sample as sample
    from .simulation import MemoryStores as MemoryStores
    from .simulation import Simulation as Simulation

_HOMES = {
    "Clock": "clock",
    "LambdaContext": "context",
    "MemoryStores": "simulation",
    "Simulation": "simulation",
    "sample": "samples.every",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
