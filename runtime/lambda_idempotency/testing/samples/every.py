"""A sample for each row of docs/keys.md, in its order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...contract.rows import has_no
from ...errors import ConfigurationError
from . import eventbridge, http, queues, services, storage, streams
from .sample import Sample

SAMPLES: Final[Mapping[str, Sample]] = {
    **http.SAMPLES,
    **queues.SAMPLES,
    **eventbridge.SAMPLES,
    **streams.SAMPLES,
    **storage.SAMPLES,
    **services.SAMPLES,
}


def sample(source: str) -> Sample:
    """Return the sample of a source, by its name in docs/keys.md: `sample("SQS").event`.

    Raises `ConfigurationError` for a name that the page does not have.
    """
    if source not in SAMPLES:
        raise ConfigurationError(f"docs/keys.md {has_no('source', source, SAMPLES)}")
    return SAMPLES[source]
