"""What an app is checked for when it is synthesised: one property that should hold, one file."""

from __future__ import annotations

from typing import Final

from . import (
    byte_code_fits_the_runtime,
    environment_fits_lambda,
    functions_are_where_the_table_is,
    functions_reach_their_services,
    layers_fit_lambda,
    mappings_report_failed_records,
    redis_asks_who_it_is,
    redis_evicts_nothing,
    redis_speaks_tls,
    rotation_suits_the_server,
    rotations_keep_two_passwords,
    runtimes_are_supported,
    strong_tables_have_no_ttl,
    tables_are_keyed_by_id,
    tables_can_be_recovered,
    tables_delete_expired_records,
    tables_serialise_all_regions,
    waiting_ends_in_time,
)
from .finding import Check

CHECKS: Final[tuple[Check, ...]] = (
    environment_fits_lambda.check,
    mappings_report_failed_records.check,
    functions_reach_their_services.check,
    runtimes_are_supported.check,
    byte_code_fits_the_runtime.check,
    layers_fit_lambda.check,
    waiting_ends_in_time.check,
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
