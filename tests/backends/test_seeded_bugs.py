"""Every seeded bug of the Flask backend misbehaves in what it says, and in nothing else."""

import json
import os
import re
import subprocess
import sys

import pytest
from coinslot_contracts.clauses import get_clause
from coinslot_testkit import purchase_demonstrations
from coinslot_testkit.backend_process import FLASK, ROOT, start_flask
from coinslot_testkit.demonstrations import DEMONSTRATIONS, Stage
from coinslot_testkit.fake_portal import FakePortal, serve
from coinslot_testkit.tokens import GAME_ID
from coinslot_verifier import Ledger, open_engine

FAILS = {
    "demands-kid": {"fresh_token", "two_players", "rotated_key"},
    "payload-taken-for-user": {"two_players"},
    "key-cached-forever": {"rotated_key"},
    "alg-none-accepted": {"alg_none"},
    "empty-signature-accepted": {"empty_signature"},
    "hs256-with-public-key": {"hs256_public"},
    "game-not-compared": {"other_game"},
    "expiry-ignored": {"expired"},
    "empty-user-logs-in": {"unusable_user"},
    "answers-plain-ok": {"documented_answer"},
    "signs-reserialised-body": {"spaced_body"},
    "missing-signature-accepted": {"missing_signature"},
    "signature-not-checked": {"missing_signature", "wrong_signature"},
    "missing-field-crashes": {"missing_field"},
    "callback-game-not-compared": {"foreign_notification"},
    "grants-to-last-login": {
        "spaced_body",
        "grants_to_payer",
        "copies_at_once",
        "copies_in_a_row",
        "refund_takes",
        "every_page",
    },
    "find-then-insert": {"copies_at_once"},
    "refund-pays-again": {"refund_is_no_payment", "refund_takes", "refund_first"},
    "refund-only-logged": {"refund_takes", "refund_first"},
    "first-page-only": {"every_page"},
    "never-confirms": {"confirms"},
    "confirms-in-other-spelling": {"confirms"},
}


def failed_demonstrations(tmp_path, **environment: str) -> set[str]:
    database = f"sqlite:///{(tmp_path / 'game.sqlite').as_posix()}"
    with serve(FakePortal()) as portal, start_flask(portal, DATABASE_URL=database, **environment) as backend:
        engine = open_engine(database)
        ledger = Ledger(engine, portal="jogos", game_id=GAME_ID)
        stage = Stage(portal=portal, backend=backend, ledger=ledger)
        failed = {name for name, behaves in DEMONSTRATIONS.items() if not behaves(stage)}
        engine.dispose()
        return failed


def listed_bugs() -> dict[str, list[str]]:
    script = "import bugs, json; print(json.dumps({k: [b.says, b.clause] for k, b in bugs.BUGS.items()}))"
    path = os.pathsep.join(str(ROOT / name) for name in ("contracts", "verifier"))
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=FLASK,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        check=True,
    )
    bugs: dict[str, list[str]] = json.loads(done.stdout)
    return bugs


def test_the_good_backend_behaves_in_every_way(tmp_path):
    """jogos:user.3, jogos:iap.1, jogos:iap.2, jogos:iap.3, jogos:iap.4"""
    assert failed_demonstrations(tmp_path) == set()


@pytest.mark.parametrize("bug", FAILS)
def test_a_seeded_bug_breaks_what_it_says_and_nothing_else(bug, tmp_path):
    """A bug that broke more than one thing would make every check that meets it look good."""
    expected = FAILS[bug]

    assert failed_demonstrations(tmp_path, COINSLOT_BUG=bug) == expected


def test_every_bug_is_registered_with_a_sentence_and_a_clause():
    """The list that people and the self-test read."""
    bugs = listed_bugs()

    assert set(bugs) == set(FAILS) | set(purchase_demonstrations.FAILS)
    for identifier, (says, clause) in bugs.items():
        assert re.fullmatch(r"[a-z0-9-]+", identifier)
        assert len(says) > 20
        assert get_clause(clause).id == clause
