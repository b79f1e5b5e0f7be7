"""`coinslot check` on the Node and the Java backend, with nothing but their own profiles."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from coinslot_testkit.copied_backends import ASKING, TOOLS, folder_of

CORE = (
    *("JG-LOGIN-01", "JG-LOGIN-20", "JG-CB-01", "JG-CB-08", "JG-PAY-05", "JG-ARR-01", "JG-REFUND-01"),
    *("JG-RECON-01", "PG-JWT-01", "PG-JWT-10", "PG-VERIFY-02", "PG-PURCH-01"),
)
"""Of every area, what a port gets wrong first; make prove plays all."""
COPIED = [pytest.param(name, marks=pytest.mark.tool(tool)) for name, tool in TOOLS.items()]
WHOLE = [*(pytest.param(*one.values, marks=[*one.marks, pytest.mark.thorough]) for one in COPIED), *ASKING]


def check(name: str, folder: Path, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    profile = str(folder_of(name) / "profile.yaml")
    command = [sys.executable, "-m", "coinslot_scenarios", "check", "--profile", profile, "--port", "0"]
    return subprocess.run(
        [*command, "--control-port", "0", "--report", str(folder / "report"), *arguments],
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.mark.parametrize("name", COPIED)
def test_a_copied_backend_passes_a_check_of_every_area(name, tmp_path):
    """The core of either portal, preflight included."""
    done = check(name, tmp_path, *CORE)

    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failed, 0 inconclusive" in done.stdout.splitlines()[-1]
    assert "not applicable" not in done.stdout


@pytest.mark.parametrize("name", WHOLE)
def test_a_copied_backend_passes_every_check(name, tmp_path):
    """Both portals, whole: jogos:user.3 to jogos:iap.4, playgama:1 to playgama:practice."""
    done = check(name, tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failed, 0 inconclusive" in done.stdout.splitlines()[-1]
    assert "not applicable" not in done.stdout


@pytest.mark.tool("node-backend")
def test_the_payload_taken_for_the_user_is_found_and_explained(tmp_path):
    """jogos:user.4: the published sample's mistake."""
    done = check("node", tmp_path, "JG-LOGIN-02", "--no-preflight", COINSLOT_BUG="payload-taken-for-user")

    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAIL JG-LOGIN-02" in done.stdout
    assert "JSON text inside the claim sub" in " ".join(done.stdout.split())
