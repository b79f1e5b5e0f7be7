"""Where callbacks may go."""

import pytest
from coinslot_sandbox import SandboxSettings
from coinslot_sandbox.delivery.addresses import CallbackPolicy, parse_network

PLAIN = CallbackPolicy()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/notify",
        "http://localhost/notify?x=1",
        "https://game.localhost:8443/",
        "http://10.1.2.3/",
        "http://192.168.0.10/",
        "http://172.16.0.1/",
        "http://[::1]:9/",
        "http://[fd12::1]/",
        "http://[fd20:ce::253]/",
        "http://backend:8080/",
        "http://api.internal/",
        "http://game.test/",
    ],
)
def test_loopback_and_private_networks_are_allowed(url):
    """sandbox: loopback and private ranges by default; a single name is a container's or a machine's."""
    assert PLAIN.problem(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "http://8.8.8.8/",
        "http://[2001:4860:4860::8888]/",
        "http://169.254.169.254/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://[::ffff:8.8.8.8]/",
        "http://[::ffff:169.254.169.254]/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://",
        "http://127.0.0.1:70000/",
        "http://127.0.0.1:x/",
        "http://[::1/",
        "http://user:pass@127.0.0.1/",
        "http://127.0.0.1/#part",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/é",
        "127.0.0.1:8080",
        "",
    ],
)
def test_everything_else_is_not(url):
    """The answer is one sentence."""
    assert PLAIN.problem(url)


def test_a_host_that_was_allowed_by_name_is_allowed():
    """--allow-host; a metadata address is refused even then."""
    policy = CallbackPolicy(hosts=("staging.example.com", "169.254.169.254"))

    assert policy.problem("https://staging.example.com/x") is None
    assert policy.problem("http://169.254.169.254/")


@pytest.mark.parametrize("url", ["http://Backend.Example/x", "http://backend.example/x"])
def test_a_name_is_allowed_in_whatever_case_it_was_written(url):
    """A URL's host is read in lower case; the name of another host is the negative twin."""
    policy = SandboxSettings(allow_hosts=("Backend.Example",)).callback_policy

    assert policy.problem(url) is None
    assert policy.may_connect("backend.example", "93.184.216.34")
    assert policy.problem("http://frontend.example/x")


@pytest.mark.parametrize(
    ("host", "address", "allowed"),
    [
        ("localhost", "127.0.0.1", True),
        ("backend", "10.0.0.5", True),
        ("backend", "93.184.216.34", False),
        ("staging.example.com", "93.184.216.34", True),
        ("staging.example.com", "169.254.169.254", False),
        ("backend", "169.254.169.254", False),
        ("localhost", "::1", True),
        ("backend", "fe80::1%eth0", False),
    ],
)
def test_the_address_is_judged_again_when_we_connect(host, address, allowed):
    """A name that points elsewhere later gains nothing."""
    assert CallbackPolicy(hosts=("staging.example.com",)).may_connect(host, address) is allowed


def test_a_network_that_was_allowed_is_allowed():
    """--allow-cidr: by address at once, by name when it has resolved."""
    policy = CallbackPolicy(networks=(parse_network("93.184.216.0/24"), parse_network("2001:4860::/32")))

    assert policy.problem("http://93.184.216.9/") is None
    assert policy.problem("http://[2001:4860::9]/") is None
    assert policy.problem("http://8.8.8.8/")
    assert policy.problem("http://staging.example.com/") is None
    assert policy.may_connect("staging.example.com", "93.184.216.9")
    assert not policy.may_connect("staging.example.com", "8.8.8.8")


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "fd00:42::42",
        "fe80::a9fe:a9fe",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
    ],
)
def test_a_metadata_address_is_refused_whatever_was_allowed(address):
    """Also mapped, behind NAT64 or 6to4, by name and by a network that holds everything."""
    policy = CallbackPolicy(
        hosts=("metadata.internal",), networks=(parse_network("0.0.0.0/0"), parse_network("::/0"))
    )

    assert not policy.may_connect("metadata.internal", address)
    assert policy.problem(f"http://[{address}]/" if ":" in address else f"http://{address}/")
    assert policy.may_connect("metadata.internal", "93.184.216.34")
