"""Which addresses may be reached, in every disguise."""

from ipaddress import ip_address, ip_network

import pytest

from labelwright.media.addresses import allowed, resolve

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "2606:4700:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "100.128.0.1",
    "172.32.0.1",
]
NOT_PUBLIC = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "169.254.170.2",
    "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.0.8", "192.0.2.1", "198.18.0.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "192.88.99.1",
    "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "fec0::1", "100::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::7f00:1", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
]  # fmt: skip


@pytest.mark.parametrize("text", PUBLIC)
def test_public(text: str) -> None:
    assert allowed(ip_address(text))


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_not_public(text: str) -> None:
    assert not allowed(ip_address(text))


def test_the_allow_list_opens_only_its_networks() -> None:
    allow = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
    for text in ("10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203", "fd12::1", "11.0.0.1"):
        assert allowed(ip_address(text), allow), text
    for text in ("192.168.1.1", "127.0.0.1", "fe80::1", "::1"):
        assert not allowed(ip_address(text), allow), text


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "localhost", "::1", "fe80::1%1"]
)
def test_spellings_of_this_machine_are_seen_through(host: str) -> None:
    found = resolve(host, 80)
    assert found
    assert not any(allowed(address) for address in found)
