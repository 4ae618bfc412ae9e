"""A network whose addresses drop every packet, for a process: needs root on Linux.

It lives in a network namespace that has no name, so it ends with its process, however that ends.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Final

ADDRESSES: Final = ("10.99.0.7", "10.99.0.8", "10.99.0.9")
"""Addresses that say nothing, not even that nobody is there."""

NAME: Final = "drop.example"
"""The name of all of them."""

UNKNOWN: Final = "unknown.example"
"""A name that the resolver, which says nothing either, looks for."""

_PROBE: Final = """
import select, socket, sys
tried = socket.socket()
tried.setblocking(False)
poll = select.poll()
poll.register(tried, select.POLLOUT)
sys.exit(tried.connect_ex(("{}", 80)) != 115 or bool(poll.poll(100)))
"""


def within(directory: Path, command: list[str]) -> list[str]:
    """Return the command that runs another in such a network. `directory` is for its files."""
    hosts, resolver = directory / "hosts", directory / "resolv.conf"
    hosts.write_text("".join(f"{address} {NAME}\n" for address in ADDRESSES))
    resolver.write_text(f"nameserver {ADDRESSES[0]}\n")
    steps = [
        # Who is asked for by a hardware address that nobody has takes no notice.
        "ip link add out type veth peer name nowhere",
        "ip addr add 10.99.0.1/24 dev out",
        "ip link set out up",
        "ip link set nowhere up",
        *(
            f"ip neigh add {address} lladdr 02:00:00:00:00:01 dev out nud permanent"
            for address in ADDRESSES
        ),
        f"mount --bind {shlex.quote(str(hosts))} /etc/hosts",
        f"mount --bind {shlex.quote(str(resolver))} /etc/resolv.conf",
        f"exec {shlex.join(command)}",
    ]
    return ["unshare", "--net", "--mount", "sh", "-c", " && ".join(steps)]


def reason_against(directory: Path) -> str | None:
    """Return why there can be no such network here; None if there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if missing := [each for each in ("unshare", "ip", "mount") if shutil.which(each) is None]:
        return f"{' and '.join(missing)} missing (Debian: util-linux, iproute2, mount)"
    probe = within(directory, ["python3", "-c", _PROBE.format(ADDRESSES[0])])
    tried = subprocess.run(probe, check=False, capture_output=True, text=True)
    return None if tried.returncode == 0 else f"no such network can be made: {tried.stderr}"
