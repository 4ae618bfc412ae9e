"""TLS for the cold starts: a certificate for the stub, and the authorities that clients trust."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def certificate(directory: Path) -> Path | None:
    """A certificate for 127.0.0.1 with its key; None where there is no openssl command."""
    openssl = shutil.which("openssl")
    if openssl is None:
        return None
    pem = directory / "server.pem"
    options = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1"
    subprocess.run(
        [
            *(openssl, *options.split(), "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(pem), "-out", str(directory / "certificate.pem")),
        ],
        check=True,
        capture_output=True,
    )
    with pem.open("a") as joined:
        joined.write((directory / "certificate.pem").read_text())
    return pem


def bundle(packages: Path, certificate: Path, *authorities: str) -> Path:
    """As many authorities as a client really loads, and our own."""
    trusted = certificate.with_name("bundle.pem")
    own = certificate.with_name("certificate.pem").read_text()
    real = (packages / "botocore" / "cacert.pem").read_text()
    trusted.write_text("\n".join([real, own, *authorities]))
    return trusted
