"""Purchases in files that people write: scenarios and profiles, every mistake at its place."""

from pathlib import Path

import coinslot_scenarios
import pytest
from coinslot_scenarios.load import load_items, suite_files
from coinslot_scenarios.problems import InvalidFiles
from coinslot_scenarios.profile import load_profile
from coinslot_scenarios.report.likely import causes
from coinslot_scenarios.secrets_mask import Masker

HEAD = """\
coinslot: 1
id: MY-CHECK-01
title: Something that is true of a good backend
clause: [playgama:practice]
steps:
  - player: {as: alice}
  - order: {as: p1, portal: playgama, player: alice, product: 1, paid: true}
"""

PROFILE = """\
coinslot-profile: 1
base_url: http://127.0.0.1:8080
start: {command: [run]}
session: {from: jogos.login, at: $.session}
jogos:
  login: {request: {method: POST, path: /login, json: {token: "${token}"}}}
playgama:
  initiate:
    request: {method: POST, path: /open, json: {product: "${product}", session: "${session}"}}
  purchase:
    request: {method: POST, path: /buy, json: {p: "${purchase}", jwt: "${jwt}", id: "${externalId}"}}
    pending: {status: 202}
  verify_reply: status
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def load(text):
        (tmp_path / "x.yaml").write_text(text, "utf-8")
        return load_items([(tmp_path / "x.yaml").relative_to(tmp_path)])

    return load


@pytest.fixture
def load_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def load_text(text):
        (tmp_path / "p.yaml").write_text(text, "utf-8")
        return load_profile((tmp_path / "p.yaml").relative_to(tmp_path), environ={}, masker=Masker())

    return load_text


def problems_of(load, text):
    with pytest.raises(InvalidFiles) as caught:
        load(text)
    return [str(problem) for problem in caught.value.problems]


def test_capabilities_of_purchases_are_derived(load):
    """A purchase needs its section, `granted` the probe; a paid order needs no callback at this portal."""
    [item] = load(
        HEAD + "  - purchase: {player: alice, order: p1}\n"
        "    expect:\n      - answer: pending\n      - granted: p1\n"
    )

    assert item.needs == {"playgama.products:1", "playgama.purchase", "playgama.purchase.pending", "probe"}
    assert not item.exclusive


@pytest.mark.parametrize(
    ("steps", "alone"),
    [
        ("  - keys: {portal: playgama, rotate: overlap}\n", True),
        ("  - keys: {portal: playgama, extra: [ec]}\n", True),
        ("  - fault: {at: playgama.verify, with: {answer: 503}}\n", True),
        ("  - fault: {at: playgama.verify, order: p1, with: {answer: 503}}\n", False),
        ("  - expect:\n      - called: jwks\n        times: 1\n", True),
        ("  - expect:\n      - called: jwks\n", False),
        ("  - expect:\n      - called: verify\n        order: p1\n        times: 1\n", False),
        ("  - change: {order: p1, verify: refunded}\n", False),
    ],
)
def test_whatever_all_items_share_runs_alone(load, steps, alone):
    """interface.md, side by side."""
    [item] = load(HEAD + steps)

    assert item.exclusive is alone


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ("purchase: {player: alice, order: p2}", "x.yaml:8:38: unknown order 'p2'; known: p1"),
        (
            "purchase: {player: alice, order: p1, jwt: {hostile: embeded-jwk}}",
            "x.yaml:8:57: unknown hostile token 'embeded-jwk', did you mean 'embedded-jwk'?",
        ),
        (
            "purchase: {player: alice, order: p1, jwt: {hostile: alg-none, sign: other}}",
            "x.yaml:8:47: 'jwt' a hostile token is named whole: leave the other keys out",
        ),
        (
            "change: {order: p1, verify: payed}",
            "x.yaml:8:33: unknown state of verification 'payed', did you mean 'paid'?",
        ),
        ("change: {order: p1}", "x.yaml:8:13: needs 'paid', 'verify' or 'refundStatus'"),
        (
            "keys: {portal: playgama, extra: [rza]}",
            "x.yaml:8:38: unknown entry of a key set 'rza', did you mean 'rsa'?",
        ),
        (
            "keys: {portal: playgama, rotate: overlap, publish_after: 1s}",
            "x.yaml:8:11: 'publish_after' belongs to rotate: late",
        ),
        (
            "keys: {portal: playgama, extra: [rsa], format: pem}",
            "x.yaml:8:11: 'format' belongs to a rotation",
        ),
    ],
)
def test_a_mistake_in_a_step_is_named_at_its_place(load, step, problem):
    """file:line:col: message, did you mean."""
    assert problems_of(load, HEAD + f"  - {step}\n") == [problem]


def test_a_good_profile_of_purchases_is_read(load_text):
    """Capabilities, the usual products, where a player of this portal logs in."""
    profile = load_text(PROFILE)

    assert {name for name in profile.capabilities if name.startswith("playgama")} == {
        "playgama.initiate",
        "playgama.purchase",
        "playgama.purchase.pending",
        "playgama.products:1",
        "playgama.products:2",
    }
    assert profile.portals["playgama"].products == ["gems_100", "gems_200"]
    assert profile.portals["jogos"].products == ["1002", "1003", "1004"]
    assert profile.login_portal("playgama") == profile.login_portal("jogos") == "jogos"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "session: {from: jogos.login, at: $.session}\n",
            "",
            "p.yaml:8:5: ${session} has no value: say with 'session:' where a login gives it",
        ),
        (
            "verify_reply: status",
            "verify_reply: statos",
            "p.yaml:13:17: unknown value of 'verify_reply': 'statos', did you mean 'status'?",
        ),
        (
            "playgama:\n",
            "  verify_reply: status\nplaygama:\n",
            "p.yaml:7:17: 'verify_reply' does not belong here: jogos hands over no purchases",
        ),
        ("jogos.login", "playgama.login", "p.yaml:4:17: 'playgama.login' must be one of: <portal>.login"),
        ("${purchase}", "${purchas}", "p.yaml:11:51: unknown name '${purchas}', did you mean '${purchase}'?"),
    ],
)
def test_a_mistake_in_a_profile_is_named_at_its_place(load_text, old, new, problem):
    """Before anything starts."""
    assert problem in problems_of(load_text, PROFILE.replace(old, new, 1))


def test_every_likely_cause_is_about_a_check_that_is_there():
    """A guess for a check that was renamed would never be shown."""
    ids = {item.scenario.id for item in load_items(suite_files())}

    assert {check for check, _ in causes()} <= ids | {"*"}


def test_the_engine_names_no_portal():
    """A portal is one folder: the engine is told which one by the files that it reads."""
    package = Path(coinslot_scenarios.__file__).parent
    engine = [file for file in package.rglob("*.py") if "backends" not in file.relative_to(package).parts]

    assert len(engine) > 50
    assert [file.name for file in engine if "playgama" in file.read_text("utf-8").lower()] == []
