"""Tests for stores of your own. They need pytest, which no function does."""

from __future__ import annotations

try:
    import pytest
except ModuleNotFoundError:
    raise ModuleNotFoundError(
        "lambda_idempotency.testing needs pytest: pip install pytest", name="pytest"
    ) from None

# A failed assert shows its values, as in the modules that pytest finds by itself.
pytest.register_assert_rewrite(f"{__name__}.store_contract", f"{__name__}.store_cases")
