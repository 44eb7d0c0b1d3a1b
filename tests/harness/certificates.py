"""Certificates for the loopback address, made by openssl."""

import ssl
import subprocess
from pathlib import Path

COMMAND = ("openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "1", "-subj", "/CN=test")


def make(path: Path) -> Path:
    """Make a certificate that is its own authority, with its key, in one file."""
    command = [*COMMAND, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "-"]
    path.write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)
    return path


def server(certificate: Path, clients: Path | None = None) -> ssl.SSLContext:
    """TLS of a server; `clients`: the certificate that its clients must show."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=clients)
    context.load_cert_chain(certificate)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context
