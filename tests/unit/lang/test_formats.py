"""Formats where they are asserted. The cases are of the kinds that the test suite of JSON Schema has."""

from __future__ import annotations

import pytest

from oe.lang.schema import check_schema
from oe.lang.schema_formats import FORMATS
from tests.support.growth import quickest

GOOD = {
    "date": ["1963-06-19", "2020-01-31", "2000-02-29", "0000-02-29"],
    "time": ["08:30:06Z", "08:30:06.283185z", "23:59:60Z", "01:29:60+01:30", "15:59:60-08:00", "23:20:50+23:59"],
    "date-time": ["1963-06-19T08:30:06.283185Z", "1990-12-31t15:59:60-08:00"],
    "duration": ["P4Y", "P4DT12H30M5S", "PT0S", "P1M", "PT36H", "P2W", "P1Y2M3D"],
    "email": ["te~st@example.com", "te.s.t@example.com", '"joe bloggs"@example.com', '"a\\"@b"@example.com',
              "joe@[127.0.0.1]", "joe@[IPv6:::1]"],
    "hostname": ["www.example.com", "a", "1host", "xn--4gbwdl.xn--wgbh1c", "a" * 63, "h0-0m"],
    "ipv4": ["192.168.0.1", "0.0.0.0"],
    "ipv6": ["::1", "::", "12345::"[1:], "1::d6:192.168.0.1", "1:2:3:4:5:6:7:8"],
    "uri": ["http://foo.bar/?baz=qux#quux", "http://-.~_!$&'()*+,;=:%40:80%2f::@example.com", "ldap://[2001:db8::7]/c?d",
            "mailto:a@b.c", "urn:oasis:names", "tel:+1-816", "http://[v1.x:y]/", "x:", "http://223.255.255.254:80"],
    "uri-reference": ["", "//foo.bar/?baz", "abc", "/abc", "#fragment", "?q", "a/b:c", "http://a"],
    "uuid": ["2EB8AA08-aa98-11ea-B4AA-73B441D16380", "00000000-0000-0000-0000-000000000000"],
    "json-pointer": ["", "/", "/foo/bar~0/baz~1/%a", "//", "/~01", "/g|h", "/é"],
    "relative-json-pointer": ["0", "1", "0/foo/bar", "2/0/baz/1/zip", "0#", "120/a", "0+1/a", "1-2"],
    "regex": ["([abc])+\\s+$", "", "(?:a)(?=b)(?!c)", "[*+]+", "a+?", "\\\\A", "[[a]"],
}
BAD = {
    "date": ["2020-02-30", "1963-13-01", "1998-1-20", "2021-W01-1", "1963-06-1৪", "20230328", "2100-02-29", "2020-01-01\n"],
    "time": ["08:30:06", "24:00:00Z", "00:60:00Z", "00:00:61Z", "22:59:60Z", "23:59:60+01:00", "08:30:06+24:00",
             "08:30:06-08", "08:30:06#x", "1২:00:00Z", "01:01:01,1111"],
    "date-time": ["1990-02-31T15:59:59.123-08:00", "2013-350T01:01:01", "1963-06-19 08:30:06Z", "1998-12-31T23:59:61Z"],
    "duration": ["", "P", "PT", "PT1D", "P1YT", "P2D1Y", "P1D2H", "P2S", "P1Y2W", "P2৪Y", "4DT12H", "P1.5Y", "PT1H2S"],
    "email": ["2962", ".test@example.com", "test.@example.com", "te..st@example.com", "joe bloggs@example.com",
              "joe@invalid=domain.com", "joe@[127.0.0.300]", "joe@[IPv6:x]", "@a", "a@", "ü@example.com"],
    "hostname": ["", "-a", "a-", "a_b", "a..b", ".", "a.", "a" * 64, "ab--cd", "xn--X", "xn--", "é.com", f"{'a.' * 126}aa"],
    "ipv4": ["127.0.0.0.1", "256.0.0.1", "127.0", "0x7f.0.0.1", "087.10.0.1", "1২7.0.0.1", "192.168.1.0/24", " 1.1.1.1"],
    "ipv6": ["12345::", ":2:3", "1::d6::42", "fe80::a%eth1", "::1/64", "1:2:3", "::ffff:1.2.3", "  ::1", "100:100::৪"],
    "uri": ["//foo.bar", "/abc", "abc", "http:// x", ":// x", "bar,baz:/foo", "http://a/\\b", "http://[::x]/", "http://a/%zz",
            "http://ex.com/ü", "http://a:b:c/", "[x]:a"],
    "uri-reference": ["\\\\WINDOWS\\fileshare", "abc\\def", "#frag\\ment", "a b", "1:a", "{x}"],
    "uuid": ["2eb8aa08-aa98-11ea-b4aa-73b441d1638", "2eb8aa08aa9811eab4aa73b441d16380", "2eb8-aa08-aa98-11ea-b4aa73b44-1d16380",
             "gggggggg-aa98-11ea-b4aa-73b441d16380", ""],
    "json-pointer": ["a", "#", "/~", "/~2", "/foo/bar~", "#/a"],
    "relative-json-pointer": ["", "/foo", "-1/a", "+1/a", "01/a", "0##", "0/~", "0+0/a", "1a"],
    "regex": ["^(abc]", "^\\S(|(.|\\n)*\\S)\\Z", "\\A", "(?P<a>b)", "a++", "(?i)a", "(?>a)", "(?#a)", "*", "(" * 9_000, "a" * 20_000],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in GOOD.items() for text in texts])
def test_what_has_the_format(name: str, text: str) -> None:
    assert FORMATS[name](text)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in BAD.items() for text in texts])
def test_what_has_not(name: str, text: str) -> None:
    assert not FORMATS[name](text)


def test_every_format_has_cases() -> None:
    assert GOOD.keys() == BAD.keys() == FORMATS.keys()


@pytest.mark.parametrize("name", FORMATS)
def test_only_texts_are_judged(name: str) -> None:
    assert [check_schema(value, {"format": name}, strict_formats=True) for value in (None, 1, 1.5, [], {}, True)] == [[]] * 6


@pytest.mark.parametrize("name", FORMATS)
def test_hostile_texts_take_time_by_their_length(name: str) -> None:
    def judge_all() -> None:
        for part in ("a", "1", "[", "/", ":", "a.", "a@", "%41", "\\", "((", "xn--", "~0/", "1::", "P1D", "http://a:", "[a"):
            FORMATS[name](part * 9_000)
            FORMATS[name]("http://" + part * 9_000 + "\n")
    assert quickest(judge_all, most=60) <= 60
