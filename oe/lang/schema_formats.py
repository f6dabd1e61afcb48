"""The formats of JSON Schema 2020-12 that can be judged exactly with the standard library (`formats: strict`)."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address

_DATE = r"(\d{4})-(\d\d)-(\d\d)"
_TIME = r"(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))"
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MINUTES_OF_DAY = 24 * 60

_CLOCK = r"T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S)"
_DURATION = rf"P(?:\d+W|(?:\d+Y(?:\d+M(?:\d+D)?)?|\d+M(?:\d+D)?|\d+D)(?:{_CLOCK})?|{_CLOCK})"

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_QUOTED = r'"(?:[ !#-\[\]-~]|\\[ -~])*"'
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"

_ESCAPE = r"%[0-9A-Fa-f]{2}"
_PLAIN = r"A-Za-z0-9._~!$&'()*+,;=\-"
_STEP = rf"(?:[{_PLAIN}:@]|{_ESCAPE})"
_AUTHORITY = (rf"(?:(?:[{_PLAIN}:]|{_ESCAPE})*@)?(?:\[(?P<address>[^\]]*)\]|(?:[{_PLAIN}]|{_ESCAPE})*)(?::\d*)?")
_PATHS = rf"//{_AUTHORITY}(?:/{_STEP}*)*|/(?:{_STEP}+(?:/{_STEP}*)*)?"
_END = rf"(?:\?(?:{_STEP}|[/?])*)?(?:#(?:{_STEP}|[/?])*)?"
_URI = rf"[A-Za-z][A-Za-z0-9+.-]*:(?:{_PATHS}|{_STEP}+(?:/{_STEP}*)*)?{_END}"
_RELATIVE = rf"(?:{_PATHS}|(?:[{_PLAIN}@]|{_ESCAPE})+(?:/{_STEP}*)*)?{_END}"
_FUTURE_ADDRESS = rf"[vV][0-9A-Fa-f]+\.[{_PLAIN}:]+"

_POINTER = r"(?:/(?:[^~/]|~[01])*)*"
_RELATIVE_POINTER = rf"(?:0|[1-9][0-9]*)(?:#|(?:[+-][1-9][0-9]*)?{_POINTER})"
_UUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_OF_PYTHON_ALONE = re.compile(r"\\[AZ]|\(\?[PaiLmsux#(>-]|[*+?}]\+")
_REGEX_PART = re.compile(r"\[\^?\]?(?:[^\]\\]|\\.)*+\]|\\.|\(\?.|[*+?}]\+|.", re.DOTALL)
_LONGEST_REGEX = 10_000


def is_date(text: str) -> bool:
    """RFC 3339 `full-date`."""
    found = _match(_DATE, text)
    if found is None:
        return False
    year, month, day = map(int, found.groups())
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1] and (is_leap or (month, day) != (2, 29))


def is_time(text: str) -> bool:
    """RFC 3339 `full-time`; a leap second only where there may be one, before midnight UTC."""
    found = _match(_TIME, text)
    if found is None:
        return False
    hour, minute, second, sign, offset_hour, offset_minute = found.groups(default="0")
    if not (int(hour) < 24 and int(minute) < 60 and int(offset_hour) < 24 and int(offset_minute) < 60):
        return False
    offset = (int(offset_hour) * 60 + int(offset_minute)) * (-1 if sign == "-" else 1)
    is_last = (int(hour) * 60 + int(minute) - offset) % _MINUTES_OF_DAY == _MINUTES_OF_DAY - 1
    return int(second) < 60 or (int(second) == 60 and is_last)


def is_date_time(text: str) -> bool:
    """RFC 3339 `date-time`."""
    return text[10:11] in ("T", "t") and is_date(text[:10]) and is_time(text[11:])


def is_email(text: str) -> bool:
    """RFC 5321 `Mailbox`."""
    local, at, domain = text.rpartition("@")
    if not at or not (_match(_QUOTED, local) or _match(rf"{_ATOM}(?:\.{_ATOM})*", local)):
        return False
    if domain.startswith("[") and domain.endswith("]"):
        inner = domain[1:-1]
        return is_ipv6(inner[5:]) if inner[:5].lower() == "ipv6:" else is_ipv4(inner)
    return is_hostname(domain)


def is_hostname(text: str) -> bool:
    """RFC 1123, with labels of RFC 5891 where they say that they are such."""
    return len(text) <= 253 and all(_is_label(label) for label in text.split("."))


def _is_label(label: str) -> bool:
    if _match(_LABEL, label) is None:
        return False
    if label[2:4] != "--":
        return True
    try:
        return label[:4].lower() == "xn--" and not label[4:].encode().decode("punycode").isascii()
    except UnicodeError:
        return False


def is_ipv4(text: str) -> bool:
    """Four decimal numbers."""
    return _is_address(IPv4Address, text)


def is_ipv6(text: str) -> bool:
    """RFC 4291, without a zone."""
    return "%" not in text and _is_address(IPv6Address, text)


def _is_address(kind: type[IPv4Address | IPv6Address], text: str) -> bool:
    try:
        kind(text)
    except AddressValueError:
        return False
    return True


def is_uri(text: str) -> bool:
    """RFC 3986 `URI`."""
    return _is_reference(_match(_URI, text))


def is_uri_reference(text: str) -> bool:
    """RFC 3986 `URI-reference`."""
    return is_uri(text) or _is_reference(_match(_RELATIVE, text))


def _is_reference(found: re.Match[str] | None) -> bool:
    if found is None:
        return False
    address = found["address"]
    return address is None or is_ipv6(address) or _match(_FUTURE_ADDRESS, address) is not None


def is_regex(text: str) -> bool:
    """A pattern that Python and ECMA-262 read alike."""
    if len(text) > _LONGEST_REGEX or any(_OF_PYTHON_ALONE.fullmatch(part) for part in _REGEX_PART.findall(text)):
        return False
    try:
        with warnings.catch_warnings():  # of what Python may read otherwise one day
            warnings.simplefilter("ignore")
            re.compile(text)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def _match(pattern: str, text: str) -> re.Match[str] | None:
    return _compiled(pattern).fullmatch(text)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII | re.DOTALL)


def _matching(pattern: str) -> Callable[[str], bool]:
    return lambda text: _match(pattern, text) is not None


FORMATS: Mapping[str, Callable[[str], bool]] = {
    "date": is_date, "time": is_time, "date-time": is_date_time, "duration": _matching(_DURATION),
    "email": is_email, "hostname": is_hostname, "ipv4": is_ipv4, "ipv6": is_ipv6,
    "uri": is_uri, "uri-reference": is_uri_reference, "uuid": _matching(_UUID),
    "json-pointer": _matching(_POINTER), "relative-json-pointer": _matching(_RELATIVE_POINTER), "regex": is_regex,
}
"""Each format with its judge of a text."""
