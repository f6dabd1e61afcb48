"""Secrets are values that are never shown. A Redactor knows them and blanks them in any text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

SHORTEST_SECRET = 6
"""Shorter values would blank ordinary words; they are refused as secrets."""

_SECRET_NAME = re.compile(r".*_(API_KEY|TOKEN|SECRET|PASSWORD)", re.IGNORECASE)
_MASK = "[redacted]"
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
_PLAIN_IN_ADDRESS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")


def is_secret_name(name: str) -> bool:
    """Whether an environment variable is one of the known key variables."""
    return _SECRET_NAME.fullmatch(name) is not None


def secrets_of(environment: Mapping[str, str]) -> list[str]:
    """The values of the known key variables that are long enough to be blanked."""
    return [value for name, value in environment.items() if len(value) >= SHORTEST_SECRET and is_secret_name(name)]


class Redactor:
    """Blanks known secrets in text; with none it costs one comparison."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Takes further values; each is blanked as it is and in the forms that programs give to texts."""
        for secret in secrets:
            for part in (secret, *secret.splitlines()):
                if len(part) >= SHORTEST_SECRET:
                    self._secrets.update(_forms(part))
        if self._secrets:
            longest_first = sorted(self._secrets, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def __bool__(self) -> bool:
        """Whether there is anything to blank."""
        return self._pattern is not None

    @property
    def longest(self) -> int:
        """Length in characters of the longest secret: what a reader of chunks must hold back; 0 with none."""
        return max(map(len, self._secrets), default=0)

    def finds(self, text: str) -> bool:
        """Whether the text holds a known secret."""
        return self._pattern is not None and self._pattern.search(text) is not None

    def text(self, text: str) -> str:
        """The text with every known secret blanked."""
        return text if self._pattern is None else self._pattern.sub(_MASK, text)


def _forms(secret: str) -> Iterator[str]:
    """The secret as it stands in a text, in JSON, in Python's and a page's quotes, in an address, and in Base64."""
    import json  # only where there are secrets
    from binascii import b2a_base64

    raw = secret.encode("utf-8", "surrogateescape" if _ESCAPED_BYTE.search(secret) else "surrogatepass")
    yield secret
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield json.dumps(secret)[1:-1]
    yield repr(secret)[1:-1]
    yield secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    yield "".join(chr(byte) if chr(byte) in _PLAIN_IN_ADDRESS else f"%{byte:02X}" for byte in raw)
    yield b2a_base64(raw, newline=False).decode().rstrip("=")
