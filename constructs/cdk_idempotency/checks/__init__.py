"""What an app is checked for when it is synthesised: one property that should hold, one file."""

from __future__ import annotations

from typing import Final

from . import (
    byte_code_fits_the_runtime,
    environment_fits_lambda,
    environment_holds_no_secret,
    expiry_outlasts_redelivery,
    failing_records_end_somewhere,
    functions_are_where_the_table_is,
    functions_reach_their_services,
    http_functions_have_a_key,
    layers_fit_lambda,
    logs_keep_metrics,
    mappings_report_failed_records,
    redis_asks_who_it_is,
    redis_evicts_nothing,
    redis_speaks_tls,
    roles_are_not_shared,
    rotation_suits_the_server,
    rotations_keep_two_passwords,
    runtimes_are_supported,
    strong_tables_have_no_ttl,
    tables_are_keyed_by_id,
    tables_can_be_recovered,
    tables_delete_expired_records,
    tables_serialise_all_regions,
    timeouts_fit_the_api,
    visibility_outlasts_lease,
    waiting_ends_in_time,
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
    waiting_ends_in_time.check,
    functions_reach_their_services.check,
    runtimes_are_supported.check,
    byte_code_fits_the_runtime.check,
    layers_fit_lambda.check,
    # the store
    tables_are_keyed_by_id.check,
    tables_delete_expired_records.check,
    tables_can_be_recovered.check,
    tables_serialise_all_regions.check,
    functions_are_where_the_table_is.check,
    strong_tables_have_no_ttl.check,
    redis_speaks_tls.check,
    redis_asks_who_it_is.check,
    redis_evicts_nothing.check,
    rotations_keep_two_passwords.check,
    rotation_suits_the_server.check,
)
