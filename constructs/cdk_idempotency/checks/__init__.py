"""What an app is checked for when it is synthesised: one property that should hold, one file."""

from __future__ import annotations

from typing import Final

from . import (
    environment_fits_lambda,
    environment_holds_no_secret,
    expiry_outlasts_redelivery,
    failing_records_end_somewhere,
    http_functions_have_a_key,
    logs_keep_metrics,
    mappings_report_failed_records,
    roles_are_not_shared,
    timeouts_fit_the_api,
    visibility_outlasts_lease,
    waiting_leaves_room,
)
from .finding import Check

CHECKS: Final[tuple[Check, ...]] = (
    environment_fits_lambda.check,
    environment_holds_no_secret.check,
    expiry_outlasts_redelivery.check,
    failing_records_end_somewhere.check,
    http_functions_have_a_key.check,
    logs_keep_metrics.check,
    mappings_report_failed_records.check,
    roles_are_not_shared.check,
    timeouts_fit_the_api.check,
    visibility_outlasts_lease.check,
    waiting_leaves_room.check,
)
