"""A sample for each row of docs/keys.md, in its order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kit.samples import eventbridge, http, queues, services, storage, streams
from kit.samples.sample import Sample

SAMPLES: Final[Mapping[str, Sample]] = {
    **http.SAMPLES,
    **queues.SAMPLES,
    **eventbridge.SAMPLES,
    **streams.SAMPLES,
    **storage.SAMPLES,
    **services.SAMPLES,
}
