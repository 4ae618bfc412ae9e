"""What an app is checked for when it is synthesised: one property that should hold, one file."""

from __future__ import annotations

from typing import Final

from . import (
    environment_fits_lambda,
    functions_reach_their_services,
    mappings_report_failed_records,
    strong_tables_have_no_ttl,
    tables_are_keyed_by_id,
    tables_can_be_recovered,
    tables_delete_expired_records,
    tables_serialise_all_regions,
)
from .finding import Check

CHECKS: Final[tuple[Check, ...]] = (
    environment_fits_lambda.check,
    mappings_report_failed_records.check,
    functions_reach_their_services.check,
    # the store
    tables_are_keyed_by_id.check,
    tables_delete_expired_records.check,
    tables_can_be_recovered.check,
    tables_serialise_all_regions.check,
    strong_tables_have_no_ttl.check,
)
