"""Why an exchange failed, in words that hold no key: the cause's own text is shown only where it cannot quote one."""

from __future__ import annotations

import http.client
import socket
import ssl

from oe.ports.http import HttpError


def connect_error(error: OSError, host: str, place: str) -> HttpError:
    """Nobody was reached."""
    if isinstance(error, socket.gaierror):
        return HttpError("http-unreachable", f"no address is known for host '{host}'",
                         hint="check the spelling of the address, and the network",
                         retryable=error.errno != socket.EAI_NONAME)
    if isinstance(error, ssl.SSLCertVerificationError):
        return HttpError("http-unreachable", f"the certificate of '{place}' is not trusted: {error.verify_message}",
                         hint="SSL_CERT_FILE names a file of further authorities", retryable=False)
    if isinstance(error, ssl.SSLError):
        return HttpError("http-unreachable", f"no encrypted connection to '{place}': {reason(error)}",
                         hint="a server without TLS is addressed by http://")
    if isinstance(error, TimeoutError):
        return HttpError("http-unreachable", f"'{place}' cannot be reached: no answer in time")
    return HttpError("http-unreachable", f"'{place}' cannot be reached: {reason(error)}")


def answer_error(error: Exception, place: str, idle_seconds: float, *, has_head: bool) -> HttpError:
    """The answer did not come whole."""
    if isinstance(error, TimeoutError):
        return silence(place, idle_seconds)
    if isinstance(error, http.client.IncompleteRead):
        return cut(place, "before its declared end")
    if isinstance(error, OSError):  # RemoteDisconnected among them
        return cut(place, "before its end" if has_head else "before it began")
    return HttpError("http-garbled", f"'{place}' does not answer in HTTP: {type(error).__name__}")


def silence(place: str, idle_seconds: float) -> HttpError:
    """The server said nothing for too long."""
    return HttpError("http-silent", f"timeout: '{place}' was silent for {idle_seconds:g}s")


def cut(place: str, where: str) -> HttpError:
    """The connection ended first."""
    return HttpError("http-cut", f"the answer of '{place}' broke off {where}")


def reason(error: OSError) -> str:
    """The operating system's, or TLS's, words for it."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or "unknown").replace("_", " ").lower()
    return (error.strerror or type(error).__name__).lower()
