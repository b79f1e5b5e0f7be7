"""The package as a user imports it."""

import subprocess
import sys

import coinslot_verifier
import pytest

HEAVY = ("requests", "urllib3", "sqlalchemy", "flask", "cryptography", "werkzeug")


def test_importing_the_package_loads_none_of_its_libraries():
    """A backend that only checks callbacks pays for nothing else."""
    script = f"import coinslot_verifier, sys; print([name for name in {HEAVY} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "unloaded"),
    [
        ("NotificationVerifier", ("requests", "sqlalchemy", "flask", "cryptography")),
        ("IdentityVerifier", ("requests", "sqlalchemy", "flask")),
        ("Ledger", ("requests", "flask", "cryptography")),
        ("PortalClient", ("requests", "sqlalchemy", "flask", "cryptography")),
    ],
)
def test_a_public_name_loads_only_what_it_needs(name, unloaded):
    """requests lives in http_out alone, SQLAlchemy in the ledger alone, Flask nowhere."""
    listing = f"[module for module in {unloaded} if module in sys.modules]"
    script = f"import sys; from coinslot_verifier import {name}; print({listing})"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there():
    """What is listed can be imported."""
    assert dir(coinslot_verifier) == sorted(coinslot_verifier.__all__)
    for name in coinslot_verifier.__all__:
        assert getattr(coinslot_verifier, name).__name__ == name or name == "open_engine"


def test_any_other_name_is_an_attribute_error():
    """As with every module."""
    with pytest.raises(AttributeError, match="no attribute 'Verify'"):
        coinslot_verifier.Verify  # noqa: B018 - the access is the test
