"""TLS on loopback: certificates of a CA of the test's own, and a front for a server without TLS."""

from __future__ import annotations

import datetime
import ipaddress
import select
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kit.network.loopback import LoopbackServer


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """PEM files: the CA to trust, and a server's certificate, with its CA's, and its key."""

    ca: Path
    certificate: Path
    key: Path


def certificates(directory: Path, *hosts: str) -> Certificates:
    """Return a new CA, and a certificate that it has signed for these names and IP addresses."""
    ca_key = ec.generate_private_key(ec.SECP256R1())
    key = ec.generate_private_key(ec.SECP256R1())
    ca_name, name = _name("the test's own CA"), _name("the test's own server")
    own = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)
    ca = (
        _builder(ca_name, ca_name, ca_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(own, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    signed = (
        _builder(name, ca_name, key)
        .add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(issuer, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    files = Certificates(
        ca=directory / "ca.pem", certificate=directory / "server.pem", key=directory / "server.key"
    )
    own_ca = ca.public_bytes(serialization.Encoding.PEM)
    files.ca.write_bytes(own_ca)
    files.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + own_ca)
    files.key.touch(mode=0o600)
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def server_context(files: Certificates) -> ssl.SSLContext:
    """Return the TLS context of a server with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    return context


class TlsFront(LoopbackServer):
    """A front that removes TLS and passes the bytes on to the plain loopback port `upstream`."""

    def __init__(self, upstream: int, files: Certificates, *, port: int = 0) -> None:
        self._upstream = upstream
        self._context = server_context(files)
        super().__init__(port=port)

    def serve(self, connection: socket.socket) -> None:
        # A duplicate, because wrapping takes the socket away, and `cut` needs it.
        duplicate = connection.dup()
        try:
            client = self._context.wrap_socket(duplicate, server_side=True)
        finally:
            duplicate.close()  # wrapped, it is empty
        with client:
            server = self.connect(self._upstream)
            try:
                _pass_on(client, server)
            finally:
                self.close(server)


def _pass_on(client: ssl.SSLSocket, server: socket.socket) -> None:
    """Pass bytes both ways in one thread, since an SSLSocket bears only one, until one end
    closes.
    """
    while True:
        # `select` does not see what OpenSSL has already read.
        readable = [client] if client.pending() else select.select([client, server], [], [])[0]
        for source, target in ((client, server), (server, client)):
            if source in readable:
                if not (received := source.recv(65_536)):
                    return
                target.sendall(received)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
