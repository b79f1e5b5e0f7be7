"""Where callbacks may go."""

import pytest
from coinslot_sandbox.delivery.addresses import callback_url_problem, may_connect


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
        "http://backend:8080/",
        "http://api.internal/",
        "http://game.test/",
    ],
)
def test_loopback_and_private_networks_are_allowed(url):
    """sandbox: loopback and private ranges by default; a single name is a container's or a machine's."""
    assert callback_url_problem(url, allow_hosts=()) is None


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
    assert callback_url_problem(url, allow_hosts=())


def test_a_host_that_was_allowed_by_name_is_allowed():
    """--allow-host; a metadata address is refused even then."""
    assert callback_url_problem("https://staging.example.com/x", allow_hosts=("staging.example.com",)) is None
    assert callback_url_problem("http://169.254.169.254/", allow_hosts=("169.254.169.254",))


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
    assert may_connect(host, address, allow_hosts=("staging.example.com",)) is allowed
