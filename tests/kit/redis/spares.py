"""Clusters that form while tests run: forming one means two seconds of waiting.

A primary does not serve earlier, whatever it knows (CLUSTER_WRITABLE_DELAY of Redis).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from kit.redis.binaries import server_binary
from kit.redis.cluster import RedisCluster


class SpareClusters:
    """Spares that keep one cluster of each version ready, or nearly so, after the first request.

    Use as a context manager.
    """

    def __init__(self) -> None:
        self._starting = ThreadPoolExecutor(max_workers=2)
        self._spares: dict[Path, Future[RedisCluster]] = {}

    def __enter__(self) -> SpareClusters:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._starting:
            for spare in self._spares.values():
                if not spare.cancel():
                    spare.result().__exit__(None, None, None)

    @contextmanager
    def take(self, binary: Path | None = None) -> Iterator[RedisCluster]:
        """Yield a new cluster, which the test may spoil."""
        binary = server_binary() if binary is None else binary
        spare = self._spares.pop(binary, None) or self._begun(binary)
        self._spares[binary] = self._begun(binary)
        cluster = spare.result()
        try:
            yield cluster
        finally:
            cluster.__exit__(None, None, None)

    def _begun(self, binary: Path) -> Future[RedisCluster]:
        return self._starting.submit(lambda: RedisCluster(binary=binary).__enter__())
