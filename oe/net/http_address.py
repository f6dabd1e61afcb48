"""Where a request goes: the parts of its address, and the proxy that the environment names for it. Pure text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from oe.ports.http import HttpError

_PORTS = {"http": 80, "https": 443}
_PRINTABLE = re.compile(r"[\x21-\x7e]+")


class Address(NamedTuple):
    """A host and what is asked of it. `target` is path and query, as sent."""

    is_secure: bool
    host: str
    port: int
    target: str

    @property
    def place(self) -> str:
        """Host and port: all of an address that a message may show."""
        return f"{self.bracketed}:{self.port}"

    @property
    def bracketed(self) -> str:
        """The host as it stands in an address."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def host_header(self) -> str:
        """The host as the server is told it: with the port where that is not the usual one."""
        return self.bracketed if self.port == _PORTS["https" if self.is_secure else "http"] else self.place


class Proxy(NamedTuple):
    """An HTTP proxy; `credentials` are `user:password` where it wants them."""

    host: str
    port: int
    credentials: str | None


def parse_address(url: str) -> Address:
    """The parts of an `http:` or `https:` address. Raises HttpError `http-bad-url`, which does not show it."""
    parts = _split(url, "the address")
    if parts.scheme not in _PORTS:
        raise _bad_url("the address must begin with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise _bad_url("the address holds a user name or password, which is not sent",
                       hint="give the key in the provider's variable")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not _PRINTABLE.fullmatch(target):
        raise _bad_url("the path of the address holds a space, a control character or a letter beyond ASCII",
                       hint="write it percent-encoded")
    return Address(parts.scheme == "https", _host(parts), parts.port or _PORTS[parts.scheme], target)


def find_proxy(address: Address, environment: Mapping[str, str]) -> Proxy | None:
    """The proxy that `http_proxy`, `https_proxy` or `all_proxy` names (lower case first), unless `no_proxy` exempts the
    host. Raises HttpError where it is no HTTP proxy."""
    scheme = "https" if address.is_secure else "http"
    named = _variable(f"{scheme}_proxy", environment) or _variable("all_proxy", environment)
    if not named or _is_exempt(address, _variable("no_proxy", environment)):
        return None
    parts = _split(named if "://" in named else f"http://{named}", f"the variable '{scheme}_proxy'")
    if parts.scheme != "http":
        raise _bad_url(f"the proxy for {scheme} addresses is of the kind '{parts.scheme[:20]}'",
                       hint="only proxies whose own address begins with http:// are understood")
    credentials = None if parts.username is None else f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return Proxy(_host(parts), parts.port or 80, credentials)


def _split(url: str, what: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise _bad_url(f"{what} has a faulty host or port") from None  # the cause shows the whole
    if parts.scheme in _PORTS and not parts.hostname:
        raise _bad_url(f"{what} names no host")
    return parts


def _host(parts: SplitResult) -> str:
    try:
        host = (parts.hostname or "").encode("idna").decode()
    except UnicodeError:
        host = ""
    if not _PRINTABLE.fullmatch(host):
        raise _bad_url("the address has a host that is no name")
    return host


def _bad_url(message: str, hint: str | None = None) -> HttpError:
    return HttpError("http-bad-url", message, hint=hint)


def _variable(name: str, environment: Mapping[str, str]) -> str:
    if name == "http_proxy" and "REQUEST_METHOD" in environment:  # a CGI program: a header could have set the other
        return environment.get(name, "")
    return environment.get(name) or environment.get(name.upper(), "")


def _is_exempt(address: Address, rules: str) -> bool:
    """Whether a rule of `no_proxy` names the host, a domain above it, or everything; a rule may end with a port."""
    for rule in (each.strip().lower() for each in rules.split(",")):
        name, colon, port = rule.rpartition(":") if rule.count(":") == 1 else (rule, "", "")
        if colon and port != str(address.port):
            continue
        domain = name.strip("[]").removeprefix("*").removeprefix(".")
        if rule == "*" or (domain and (address.host.lower() == domain or address.host.lower().endswith(f".{domain}"))):
            return True
    return False
