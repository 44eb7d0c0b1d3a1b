"""Find why a model's server cannot be reached: name, port, TLS, certificate."""

import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

SECS = 5.0
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Cause:
    """A known cause of a failure, and its remedy."""

    found: str
    remedy: str


def cause(base_url: str, secs: float = SECS) -> Cause | None:
    """The cause, or None if the connection, and TLS with https, can be made. Blocks for `secs` per step."""
    url = urlsplit(base_url)
    host = url.hostname or ""
    if url.scheme in getproxies() and not proxy_bypass(host):
        return None  # a proxy connects
    try:
        port = url.port or PORTS[url.scheme]
    except ValueError:
        return Cause("Its port is not a number up to 65535.", "Correct the port in the base URL.")
    return _cause(base_url, host, port, secs)


def _cause(base_url: str, host: str, port: int, secs: float) -> Cause | None:
    try:
        with socket.create_connection((host, port), secs) as connection:
            examine = _tls if base_url.startswith("https") else _plain
            return examine(connection, base_url, host)
    except socket.gaierror:
        remedy = "Correct the host in the base URL, or the name service (DNS) of this machine."
        return Cause(f"No host is named {host}.", remedy)
    except ConnectionRefusedError:
        remedy = "Start the model's server, or correct the port; in a container, 127.0.0.1 is the container."
        return Cause(f"Nothing listens at {host}:{port}.", remedy)
    except TimeoutError:
        remedy = "Check the address, the firewall between, and the load of the server."
        return Cause(f"{host}:{port} does not accept connections.", remedy)
    except OSError as trouble:
        remedy = "Check the network between this machine and the server."
        return Cause(f"{host}:{port} cannot be reached ({type(trouble).__name__}).", remedy)


def _tls(connection: socket.socket, base_url: str, host: str) -> Cause | None:
    try:
        with ssl.create_default_context().wrap_socket(connection, server_hostname=host):
            return None
    except ssl.SSLCertVerificationError as refusal:
        remedy = "Use the name in the certificate, or set SSL_CERT_FILE to its authority for the workers."
        return Cause(f"Its certificate is not trusted ({refusal.verify_message}).", remedy)
    except ssl.SSLError:
        return Cause("It does not speak TLS.", f"Write http: {base_url.replace('https', 'http', 1)}")


def _plain(connection: socket.socket, base_url: str, _: str) -> Cause | None:
    """A handshake with a server of plain HTTP fails at its first reply."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent
    try:
        with context.wrap_socket(connection):
            return Cause("It speaks TLS.", f"Write https: {base_url.replace('http', 'https', 1)}")
    except OSError:  # ssl.SSLError is one
        return None
