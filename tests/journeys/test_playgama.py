"""Purchases as a person checks them: `coinslot check` with the shipped profile, over several seeds."""

import re
from pathlib import Path

import coinslot_scenarios
import pytest
from coinslot_scenarios.load import load_items, suite_files

FLASK = Path(coinslot_scenarios.__file__).parent / "backends" / "flask" / "profile.yaml"
OWN = ("--port", "0", "--control-port", "0", "--slow-factor", "0.2")


@pytest.mark.thorough
@pytest.mark.parametrize("seed", ["1", "77", "31337"])
def test_the_good_backend_passes_every_check_of_purchases(coinslot, seed):
    """Exit 0, preflight included and without a word of it."""
    done = coinslot("check", "--portal", "playgama", "--profile", str(FLASK), "--seed", seed, *OWN)

    assert (done.code, done.err) == (0, []), done.out
    assert re.match(r"\d+ passed, 0 failed, 0 inconclusive - seed ", done.out[-1])


def test_a_profile_without_purchases_leaves_their_checks_out(coinslot, tmp_path):
    """Not applicable, counted and listed; nothing ran, so 4."""
    text = FLASK.read_text("utf-8")
    start, end = text.index("playgama:\n"), text.index("session:")
    moved = text.replace("cwd: .", f"cwd: {FLASK.parent.as_posix()}")
    (tmp_path / "p.yaml").write_text(moved.replace(text[start:end], ""))

    done = coinslot("check", "--portal", "playgama", "--profile", "p.yaml", *OWN)

    assert done.code == 4, done.out
    assert "not applicable (needs playgama." in done.out[-1]


def test_a_failure_names_what_it_probably_comes_from(coinslot):
    """Likely, fix, and a command that repeats the request without a secret in it."""
    done = coinslot(
        "check",
        "PG-PURCH-03",
        "--profile",
        str(FLASK),
        "--no-preflight",
        *OWN,
        COINSLOT_BUG="any-player-may-claim",
    )
    text = "\n".join(done.out)

    assert done.code == 1
    assert "likely    the item goes to the session that shows the token" in text
    assert "curl -si -X POST" in text
    assert not re.search(r"eyJ[\w-]{30}", text)


def test_the_mistake_that_takes_the_payload_for_the_user_is_explained(coinslot):
    """jogos:user.3: every player becomes one user, behind a 2xx with an id."""
    done = coinslot(
        "check",
        "JG-LOGIN-02",
        "--profile",
        str(FLASK),
        "--no-preflight",
        *OWN,
        COINSLOT_BUG="payload-taken-for-user",
    )

    assert done.code == 1
    assert any("the token's payload was taken for the user" in line for line in done.out)


def test_every_check_of_purchases_claims_a_mistake_and_explains_it():
    """why, fix and catches are what the suite is read for."""
    items = [item for item in load_items(suite_files()) if item.scenario.portal == "playgama"]

    assert len({item.scenario.id for item in items}) == 14
    assert all(item.scenario.why and item.scenario.fix and item.scenario.catches for item in items)
