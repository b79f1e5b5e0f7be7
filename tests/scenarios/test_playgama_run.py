"""Purchases against toy backends over real sockets: good ones, degenerate ones, and every single mistake."""

import pytest
from coinslot_scenarios.select_items import Selection
from coinslot_scenarios.verdicts import Verdict
from coinslot_testkit.toy_backend import ALWAYS_500, EMPTY_200, REJECT_ALL, Constant, says
from coinslot_testkit.toy_shop import WITH_SHOP, SaysOneThing, ToyShop

QUICK = "{answer: 4s, eventually: 1s, settle: 250ms}"
GRANTED = {"status": "granted", "externalId": "one-for-all", "user": {"id": "7"}, "items": {}}
HEAD = """\
coinslot: 1
id: MY-CHECK-01
title: A check of tests
clause: [playgama:practice]
steps:
  - player: {as: alice}
  - order: {as: p1, portal: playgama, player: alice, product: 1, paid: true}
"""


def verdicts(result):
    return {outcome.item.name: outcome.verdict for outcome in result.outcomes}


def only(result):
    [outcome] = result.outcomes
    return outcome


@pytest.fixture
def check(harness):
    """Plays checks, or the steps of one, against a toy shop."""

    def check(backend, *wanted, steps=None, changes=None, **options):
        profile = harness.profile(backend, changes={**WITH_SHOP, **(changes or {})}, limits=QUICK)
        named = [harness.scenario(HEAD + steps)] if steps else wanted
        return harness.check(backend, *named, profile=profile, **options)

    return check


def test_a_second_correct_shop_passes_every_check_of_purchases(check, harness):
    """No false alarm on a backend that shares no code with our verifier, preflight included."""
    with ToyShop() as backend:
        result = check(backend, selection=Selection(portal="playgama"), preflight=True, slow_factor=0.2)

    assert {name for name, verdict in verdicts(result).items() if verdict is not Verdict.PASS} == set()
    assert result.exit_code == 0
    assert harness.printer.err == []


@pytest.mark.parametrize(
    "backend",
    [
        pytest.param(Constant(says(GRANTED)), marks=pytest.mark.thorough),  # grants-all says it of purchases
        Constant(REJECT_ALL),
        Constant(EMPTY_200),
        Constant(ALWAYS_500),
        SaysOneThing(says(GRANTED)),
        SaysOneThing(REJECT_ALL),
        SaysOneThing(says({"status": "pending"}, 202)),
    ],
    ids=["200", "401", "empty", "500", "grants-all", "refuses-all", "always-pending"],
)
def test_a_degenerate_backend_passes_no_check_of_purchases(check, backend):
    """Whatever it always says: probe and controls see to it, and the exit code is that of a failure."""
    with backend:
        result = check(backend, selection=Selection(portal="playgama"), slow_factor=0.05)

    assert set(verdicts(result).values()) <= {Verdict.FAIL, Verdict.INCONCLUSIVE}
    assert result.exit_code == 1


def test_a_backend_that_opens_no_purchase_proves_nothing(check):
    """Inconclusive, with the way out: the profile or the backend is wrong, not what the check is about."""
    with Constant(says({"user": {"id": "7"}, "items": {}})) as backend:
        outcome = only(check(backend, "PG-VERIFY-02"))

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert "the backend opened no purchase for alice: HTTP 200, and nothing at $.externalId" in outcome.reason


def test_without_initiate_the_external_id_is_invented_and_foreign_ones_are_not_checked(check):
    """interface.md: the checks on foreign externalIds are not applicable."""
    cut = WITH_SHOP["inventory:"]
    without = cut[: cut.index("  initiate:")] + cut[cut.index("  purchase:") :]

    class TrustsAll(ToyShop):
        def buy(self, user, sent):
            claims = self.claims(sent["jwt"])
            self.intents[claims["externalId"]] = (user, "gems_100")
            return super().buy(user, sent)

    with TrustsAll() as backend:
        result = check(backend, "PG-JWT-01", "PG-VERIFY-06", "PG-PURCH-03", changes={"inventory:": without})

    assert verdicts(result) == {
        "PG-JWT-01": Verdict.PASS,
        "PG-VERIFY-06[client-names-another]": Verdict.NOT_APPLICABLE,
        "PG-VERIFY-06[token-names-another]": Verdict.NOT_APPLICABLE,
        "PG-PURCH-03": Verdict.NOT_APPLICABLE,
    }


NEGATIVE = (
    "  - purchase: {player: alice, order: p1, jwt: {hostile: other-key}}\n    expect:\n      - answer: "
)


@pytest.mark.parametrize(
    ("line", "purchases"),
    [("", 3), ("    control: after\n", 2), ("    control: off\n    reason: a test\n", 1)],
)
def test_a_negative_purchase_has_a_valid_twin_in_a_companions_session(check, line, purchases):
    """A fresh paid order of a companion with its own externalId, before the step and after it."""
    with ToyShop() as backend:
        outcome = only(check(backend, steps=NEGATIVE + "not_granted\n" + line))
        shown = [arrival for arrival in backend.server.arrivals if arrival.target == "/purchase"]

    assert outcome.verdict is Verdict.PASS
    assert len(shown) == purchases
    sessions = [arrival.header("Session") for arrival in shown]
    alice = outcome.run.players["alice"].user_id
    assert sessions.count(alice) == 1
    assert len({arrival.json["says"] for arrival in shown}) == purchases


PENDING = """\
  - change: {order: p1, verify: pending}
  - purchase: {player: alice, order: p1}
    expect:
      - answer: pending
      - answer: not_granted
  - change: {order: p1, verify: null}
  - purchase: {player: alice, order: p1, extra: {more: 1}}
    expect:
      - answer: granted
      - answer: accepted
      - called: verify
        order: p1
        times: 2
      - granted: p1
        times: 1
"""


def test_change_is_silent_and_the_next_question_learns_of_it(check):
    """pending is a no that becomes a yes; `verify: null` goes back to what the state implies."""
    with ToyShop() as backend:
        outcome = only(check(backend, steps=PENDING))
        last = [arrival for arrival in backend.server.arrivals if arrival.target == "/purchase"][-2]

    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert outcome.run.orders["p1"].external_ids[0].startswith("intent-")
    assert last is not None


def test_pending_needs_a_profile_that_says_how(check):
    """Otherwise nobody can tell it from a no."""
    with ToyShop() as backend:
        outcome = only(check(backend, steps=PENDING, changes={"    pending: {status: 202}\n": ""}))

    assert outcome.verdict is Verdict.NOT_APPLICABLE
    assert outcome.reason == "needs playgama.purchase.pending"


KEYS = """\
  - keys: {portal: playgama, rotate: late, extra: [rsa, oct, use-enc]}
  - purchase: {player: alice, order: p1}
    control: off
    reason: nobody can be granted anything now
    expect:
      - answer: not_granted
  - keys: {portal: playgama, rotate: publish}
  - purchase: {player: alice, order: p1}
    expect:
      - answer: granted
"""


def test_a_key_that_is_published_late_and_entries_beside_it_are_put_back(check, sandbox):
    """late, publish, extra; afterwards the set is as it was."""
    with ToyShop() as backend:
        before = backend_keys(sandbox)
        outcome = only(check(backend, steps=KEYS))

    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert outcome.item.exclusive
    assert backend_keys(sandbox) == before


def backend_keys(sandbox):
    import requests

    url = sandbox.ready["playgama"]["url"]
    return requests.get(f"{url}/.well-known/jwks.json", timeout=5).json()["keys"]


class ReadsStatus(ToyShop):
    """Reads another form of the verification's answer."""

    def is_paid(self, order_id, external_id):
        from urllib.parse import urlencode

        import requests

        query = urlencode({"orderId": order_id, "externalId": external_id})
        reply = requests.get(f"{self.portal_url}/api/v1/payments/verify?{query}", timeout=5)
        return reply.json().get("status") == "PAID"


@pytest.mark.parametrize(
    ("line", "verdict"), [("  verify_reply: status\n", Verdict.PASS), ("", Verdict.FAIL)]
)
def test_the_sandbox_speaks_the_dialect_that_the_profile_names(check, line, verdict):
    """playgama.verify_reply; without it the default is spoken again, whatever an earlier run chose."""
    section = WITH_SHOP["inventory:"].replace("session: {from", line + "session: {from")
    with ReadsStatus() as backend:
        result = check(backend, "PG-JWT-01", changes={"inventory:": section})

    assert only(result).verdict is verdict


BOB = """\
  - player: {as: bob}
  - purchase: {player: alice, order: p1, copies: 2, at_once: true}
    expect:
      - answer: granted
        of: every
  - expect:
      - granted: p1
        times: 1
      - granted: p1
        player: bob
        times: 0
"""


def test_granted_can_look_into_the_inventory_of_another_player(check):
    """player: bob; and a mistake in the name is found before anything runs."""
    with ToyShop() as backend:
        good = check(backend, steps=BOB)
        bad = check(backend, steps=BOB.replace("player: bob", "player: bop"))

    assert only(good).verdict is Verdict.PASS
    assert bad.exit_code == 2


def test_a_refused_purchase_is_a_note_of_the_preflight(check, harness):
    """All else is a printed note and the checks run."""
    with SaysOneThing(says({"status": "declined"}, 403)) as backend:
        check(backend, "PG-JWT-01", preflight=True)

    [note] = harness.printer.err
    assert note.startswith("note: a valid purchase was refused: HTTP 403")
    assert "the key set was never fetched from the sandbox" in note
