"""The attributes of a DynamoDB table of records that the construct has to know."""

from __future__ import annotations

from typing import Final

PARTITION_KEY: Final = "id"
"""The only key: there is no sort key."""

TTL_ATTRIBUTE: Final = "expiration"
"""Epoch seconds, after which DynamoDB deletes the record."""
