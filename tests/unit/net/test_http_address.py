"""Where a request goes, and through which proxy."""

from __future__ import annotations

import pytest

from oe.net.http_address import Proxy, find_proxy, parse_address
from oe.ports.http import HttpError


@pytest.mark.parametrize(("url", "place", "host_header", "target"), [
    ("http://h", "h:80", "h", "/"),
    ("https://API.Example/v1?a=b#c", "api.example:443", "api.example", "/v1?a=b"),
    ("http://h:8080/x", "h:8080", "h:8080", "/x"),
    ("https://[::1]:443/", "[::1]:443", "[::1]", "/"),
    ("http://bücher.example/", "xn--bcher-kva.example:80", "xn--bcher-kva.example", "/"),
])
def test_addresses(url: str, place: str, host_header: str, target: str) -> None:
    address = parse_address(url)
    assert (address.place, address.host_header, address.target) == (place, host_header, target)


@pytest.mark.parametrize("url", ["", "h", "ftp://h", "http://", "http:///x", "http://h:99999", "http://h:x", "http://[::1",
                                 "http://u@h", "http://h/a b", "http://h/ä", "http://a b/", "http://h/\0", "file:///x",
                                 "http://" + "a" * 70 + ".x"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(HttpError) as caught:
        parse_address(url)
    assert (caught.value.code, caught.value.retryable) == ("http-bad-url", False)


@pytest.mark.parametrize(("url", "environment", "proxy"), [
    ("http://h", {}, None),
    ("http://h", {"http_proxy": "http://p:3128"}, Proxy("p", 3128, None)),
    ("http://h", {"HTTP_PROXY": "p:3128"}, Proxy("p", 3128, None)),
    ("http://h", {"HTTP_PROXY": "p", "REQUEST_METHOD": "GET"}, None),
    ("http://h", {"https_proxy": "http://p"}, None),
    ("https://h", {"https_proxy": "http://u:x%3A@p"}, Proxy("p", 80, "u:x:")),
    ("https://h", {"all_proxy": "http://p"}, Proxy("p", 80, None)),
    ("https://h", {"all_proxy": "http://p", "no_proxy": "other, h"}, None),
    ("https://a.h.example", {"all_proxy": "http://p", "NO_PROXY": ".h.example"}, None),
    ("https://a.h.example", {"all_proxy": "http://p", "NO_PROXY": "*.h.example"}, None),
    ("https://ah.example", {"all_proxy": "http://p", "no_proxy": "h.example"}, Proxy("p", 80, None)),
    ("https://h:8443", {"all_proxy": "http://p", "no_proxy": "h:8443"}, None),
    ("https://h", {"all_proxy": "http://p", "no_proxy": "h:8443"}, Proxy("p", 80, None)),
    ("https://[::1]", {"all_proxy": "http://p", "no_proxy": "::1"}, None),
    ("https://h", {"all_proxy": "http://p", "no_proxy": "*"}, None),
])
def test_proxies(url: str, environment: dict[str, str], proxy: Proxy | None) -> None:
    assert find_proxy(parse_address(url), environment) == proxy


def test_a_proxy_of_another_kind_is_refused_by_name() -> None:
    with pytest.raises(HttpError, match="proxy for https addresses is of the kind 'socks5'"):
        find_proxy(parse_address("https://h"), {"all_proxy": "socks5://p"})
