"""Redis servers without TLS.

Fires when: `tls=False`, and the server is not on the loopback address.
What to do: Turn TLS on at the server.

Whoever is on the network's path reads the records, and the password
(https://redis.io/docs/latest/operate/oss_and_stack/management/security/encryption/).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.deployment import Deployment
from ..model.servers import exposed_settings
from ..rule import Violation, warning


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    settings = exposed_settings(deployment)
    if settings is not None and not settings.tls:
        yield Violation(
            deployment.construct,
            "Functions and the Redis server speak in plain text (tls=False), so whoever is on the "
            "way reads the records, and the password. Turn TLS on at the server, and leave tls "
            "out.",
        )
