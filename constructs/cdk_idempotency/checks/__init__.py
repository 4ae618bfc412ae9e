"""What an app is checked for when it is synthesised: one property that should hold, one file."""

from __future__ import annotations

from typing import Final

from . import environment_fits_lambda, mappings_report_failed_records
from .finding import Check

CHECKS: Final[tuple[Check, ...]] = (
    environment_fits_lambda.check,
    mappings_report_failed_records.check,
)
