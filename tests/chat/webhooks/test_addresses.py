"""Addresses of webhooks: public ones by https, private ones only if the operator names their network."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.webhooks.addresses import may_reach, url_fault

PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
INNER = [
    *("127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),  # noqa: S104
    *("100.100.100.200", "192.0.0.192", "198.18.0.1", "240.0.0.1", "255.255.255.255", "224.0.0.1"),
    "168.63.129.16",
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1"),
    *("2002:7f00:1::", "2001:0:53aa:64c::1", "2001:db8::1", "100::1"),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_reached_by_https_alone(address: str) -> None:
    assert may_reach(address, [], secure=True)
    assert not may_reach(address, [], secure=False)
    assert not may_reach(address, ["10.0.0.0/8"], secure=False)


@pytest.mark.parametrize("address", INNER)
def test_no_address_of_the_inside_is_reached(address: str) -> None:
    assert not may_reach(address, [], secure=True)
    assert not may_reach(address, ["10.9.0.0/16", "fd00:9::/32"], secure=True)


@pytest.mark.parametrize("secure", [True, False])
@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203", "fd00::9"])
def test_a_named_network_is_reached(address: str, secure: bool) -> None:
    assert may_reach(address, ["10.0.0.0/8", "fd00::/8"], secure=secure)


@given(st.ip_addresses(v=4))
def test_no_form_of_an_ipv4_address_reaches_more_than_the_address(address: object) -> None:
    plain = may_reach(str(address), [], secure=True)
    for form in ("::ffff:", "64:ff9b::"):
        assert may_reach(f"{form}{address}", [], secure=True) == plain
    for form in ("::", "64:ff9b:1::"):
        assert not may_reach(f"{form}{address}", [], secure=True)


@given(st.ip_addresses(v=6))
def test_no_ipv6_address_outside_the_global_ones_is_reached(address: object) -> None:
    found = ip_address(str(address))
    if not any(found in ip_network(each) for each in ("2000::/3", "::ffff:0:0/96", "64:ff9b::/96")):
        assert not may_reach(str(address), [], secure=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/hook",
        "https://example.org:8443/hook?token=%20x",
        "https://93.184.215.14/",
        "https://[2606:4700::1111]:444/",
        "https://inside.example/",  # its address is checked later
    ],
)
def test_a_url_that_a_webhook_can_have(url: str) -> None:
    assert url_fault(url, []) == ""


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://example.org/", "must begin with https"),
        ("ftp://example.org/", "must begin with https"),
        ("example.org/hook", "must begin with https"),
        ("", "must begin with https"),
        ("https://", "must have a host"),
        ("https:///hook", "must have a host"),
        ("https://user:password@example.org/", "neither a user"),
        ("https://@example.org/", "neither a user"),
        ("https://example.org/#part", "nor a fragment"),
        ("https://example.org:port/", "cannot be read"),
        ("https://example.org:99999/", "cannot be read"),
        ("https://[::1/", "cannot be read"),
        ("https://exämple.org/", "must be ASCII"),
        ("https://example.org/a b", "without white space"),
        ("https://example.org/\r\nhost:x", "without white space"),
        (f"https://example.org/{'a' * 2000}", "at most 2000"),
        ("https://127.0.0.1/", "not public"),
        ("https://[::1]:8000/", "not public"),
        ("https://169.254.169.254/latest/meta-data/", "not public"),
    ],
)
def test_a_url_that_no_webhook_can_have(url: str, fault: str) -> None:
    assert fault in url_fault(url, [])


def test_plain_http_needs_a_named_network() -> None:
    private = ["10.0.0.0/8"]
    assert url_fault("http://10.0.0.1:8000/hook", private) == ""
    assert url_fault("http://receiver:8000/hook", private) == ""  # its address is checked later
    assert "not public" in url_fault("http://93.184.215.14/", private)
    assert "not public" in url_fault("http://127.0.0.1/", private)
