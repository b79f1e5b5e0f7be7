"""How a sidecar does not start: one line that says what to do, and the exit code of the commands' table."""

from urllib.parse import urlsplit

import pytest
from coinslot_testkit.sidecar_process import start_refused, start_sidecar


@pytest.fixture
def sidecar():
    """One that listens already."""
    with start_sidecar({}, "--portal", "jogos") as running:
        yield running


def test_a_busy_port_is_3_and_one_line(sidecar):
    """The line says what to do."""
    port = str(urlsplit(sidecar.ready["url"]).port)

    done = start_refused("--portal", "jogos", "--port", port)

    assert (done.returncode, done.stdout) == (3, "")
    assert "is taken" in done.stderr
    assert "--port 0" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "environment", "code", "says"),
    [
        (("--ledger", "sqlite:////nowhere/at/all/l.sqlite"), {}, 3, "check --ledger"),
        (("--ledger", "mysql://x/y"), {}, 2, "sqlite or postgresql"),
        (("--ledger", "rubbish"), {}, 2, "--ledger cannot be used: the address is no database URL"),
        ((), {"JOGOS_SHARED_KEY": ""}, 2, "JOGOS_SHARED_KEY"),
        (("--portal", "nowhere"), {}, 2, "known are"),
        (("--portal", "jogos", "--portal", "jogos"), {}, 2, "once"),
        (("--token-file", "/nowhere"), {}, 2, "cannot be read"),
        ((), {"COINSLOT_VERIFIER_TOKEN": "tökén"}, 2, "ASCII"),
        (("--host", "192.0.2.1"), {}, 3, "cannot listen"),
    ],
)
def test_a_wrong_start_says_what_to_do_in_one_line(options, environment, code, says):
    """Before the ready line; no secret and no traceback."""
    done = start_refused(*options, **environment)

    assert (done.returncode, done.stdout) == (code, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_help_shows_an_example():
    """What a person sees first."""
    done = start_refused("--help")

    assert done.returncode == 0
    assert "coinslot verifier --portal" in done.stdout
