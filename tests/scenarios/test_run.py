"""The runner against toy backends over real sockets: verdicts, controls, waiting, degenerate backends."""

import contextlib
import dataclasses
import threading

import pytest
import requests
from coinslot_scenarios.select_items import Selection
from coinslot_scenarios.verdicts import Verdict
from coinslot_testkit.toy_backend import (
    ACCEPT_ALL,
    ALWAYS_500,
    EMPTY_200,
    REJECT_ALL,
    Constant,
    ToyBackend,
    says,
)

HEAD = """\
coinslot: 1
id: MY-CHECK-01
title: A check of tests
clause: [jogos:iap.1]
steps:
  - player: {as: alice}
  - order: {as: o1, player: alice, product: 1}
"""


def verdicts(result):
    return {outcome.item.name: outcome.verdict for outcome in result.outcomes}


def only(result):
    [outcome] = result.outcomes
    return outcome


def got(outcome):
    return [finding.reading.got for finding in outcome.run.findings]


def test_a_second_correct_backend_passes_the_whole_suite(harness):
    """No false alarm on a backend that shares no code with our verifier."""
    with ToyBackend() as backend:
        result = harness.check(backend, selection=Selection(portal="jogos"), preflight=True)

    assert {name for name, verdict in verdicts(result).items() if verdict is not Verdict.PASS} == set()
    assert result.exit_code == 0
    assert harness.printer.out[-2:] == [str(result.report), result.line]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (ACCEPT_ALL, "negative"),
        (REJECT_ALL, "positive"),
        # what these pass, one of the two above passes: they show that nothing that is no answer counts as one
        pytest.param(EMPTY_200, "all", marks=pytest.mark.thorough),
        pytest.param(ALWAYS_500, "all", marks=pytest.mark.thorough),
    ],
    ids=["accepts-all", "rejects-all", "empty-200", "always-500"],
)
def test_a_degenerate_backend_never_passes(harness, reply, kind):
    """A check that such a backend passes would be worth nothing; the controls see to it."""
    with Constant(reply) as backend:
        profile = harness.profile(backend, limits="{eventually: 1s, settle: 250ms}")
        selection = Selection(word="JG-")
        result = harness.check(backend, profile=profile, selection=selection, slow_factor=0.05)

    passed = {name.split("[")[0] for name, verdict in verdicts(result).items() if verdict is Verdict.PASS}
    harmless = {"JG-LOGIN-01", "JG-CB-01", "JG-CB-02"} if kind == "negative" else set()
    assert passed <= harmless
    assert result.exit_code == 1


class RefusesAll(ToyBackend):
    """Refuses every login, however good."""

    def login(self, token):  # noqa: ARG002 - the form of the base class
        return says({"user": None}, 401)


def test_a_refusal_without_a_control_that_is_accepted_proves_nothing(harness):
    """The automatic positive control: its failure is inconclusive, never a pass, and exits 1."""
    with RefusesAll() as backend:
        result = harness.check(backend, "JG-LOGIN-40")

    outcome = only(result)
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert "a valid token was refused" in outcome.reason
    assert result.exit_code == 1
    assert any(line.startswith("INCONCLUSIVE JG-LOGIN-40") for line in harness.printer.out)


class RefusesAfterAttack(ToyBackend):
    """Locks everybody out once it has seen a bad token."""

    def login(self, token):
        if getattr(self, "locked", False):
            return says({"user": None}, 401)
        answer = super().login(token)
        self.locked = answer.status != 200
        return answer


def test_a_control_runs_after_the_negative_step_too(harness):
    """A backend that breaks on a hostile token has refused it for the wrong reason."""
    with RefusesAfterAttack() as backend:
        outcome = only(harness.check(backend, "JG-LOGIN-40"))

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert "control after" in outcome.reason


CONTROL = """\
  - login: {player: alice, token: {hostile: other-key}}
    expect:
      - answer: rejected
"""


@pytest.mark.parametrize(
    ("line", "logins"), [("", 4), ("    control: after\n", 3), ("    control: off\n    reason: a test\n", 2)]
)
def test_controls_can_be_left_out_by_word(harness, line, logins):
    """control: after leaves the first out, control: off both; the player's own login is one of the count."""
    with ToyBackend() as backend:
        outcome = only(harness.check(backend, harness.scenario(HEAD + CONTROL + line)))
        asked = [arrival for arrival in backend.server.arrivals if arrival.target == "/login"]

    assert outcome.verdict is Verdict.PASS
    assert len(asked) == logins


def test_control_calls_count_in_no_assertion(harness):
    """The control's order is granted and reported, and none of it is the check's."""
    text = HEAD + (
        "  - callback: {order: o1, type: pay, signature: wrong_key}\n"
        "    expect:\n      - answer: rejected\n"
        "  - throughout: 500ms\n    expect:\n"
        "      - called: arrivedorder\n        times: 0\n"
        "      - granted: o1\n        times: 0\n"
    )
    with ToyBackend() as backend:
        outcome = only(harness.check(backend, harness.scenario(text)))

        assert len(backend.granted) == 2
    assert outcome.verdict is Verdict.PASS


class GrantsTwice(ToyBackend):
    """Grants every notification anew."""

    def settle(self, body):
        self.granted[f"{body['orderId']}-{len(self.granted)}"] = (str(body["userId"]), str(body["productId"]))
        self.report(str(body["orderId"]))


def test_eventually_ends_early_where_the_journal_refutes_it(harness):
    """A second arrivedorder refutes times: 1; nobody waits 30 s for what cannot come."""
    text = HEAD + (
        "  - callback: {order: o1, type: pay, copies: 2}\n"
        "  - eventually: 30s\n    expect:\n"
        "      - called: arrivedorder\n        order: o1\n        times: 1\n"
        "      - order: o1\n        arrivedStatus: 0\n"
    )
    with GrantsTwice() as backend:
        outcome = only(harness.check(backend, harness.scenario(text)))

    assert outcome.verdict is Verdict.FAIL
    assert got(outcome)[0] == "arrivedorder was called 2 times"
    assert outcome.run.findings[0].waited_s < 10


def test_throughout_fails_at_the_first_contrary_event(harness):
    """And tells when."""
    text = HEAD + (
        "  - callback: {order: o1, type: pay}\n"
        "  - throughout: 20s\n    expect:\n      - granted: o1\n        times: 0\n"
    )
    with ToyBackend() as backend:
        outcome = only(harness.check(backend, harness.scenario(text)))

    assert got(outcome) == ["product 1002 granted 1 times"]
    assert outcome.run.findings[0].waited_s < 10


class AnswersNumbers(ToyBackend):
    """Sends the code as a number, which the document shows as text."""

    def notified(self, arrival):
        answer = super().notified(arrival)
        return says({"code": 200}) if b'"200"' in answer.body else answer


def test_a_numeric_code_passes_with_a_warning_where_it_is_the_subject(harness):
    """jogos:iap.1.resp: integer 200 passes with a should note."""
    with AnswersNumbers() as backend:
        result = harness.check(backend, "JG-CB-01", "JG-ARR-01")

    assert verdicts(result) == {"JG-CB-01": Verdict.WARN, "JG-ARR-01": Verdict.PASS}
    assert result.exit_code == 0


def test_strict_makes_a_warning_fail(harness):
    """--strict."""
    with AnswersNumbers() as backend:
        assert harness.check(backend, "JG-CB-01", strict=True).exit_code == 1


def test_a_fault_that_never_fired_proves_nothing(harness):
    """Inconclusive, because nothing was rehearsed."""
    text = HEAD + "  - fault: {at: jogos.arrivedorder, order: o1, with: {answer: 503}}\n"
    with ToyBackend() as backend:
        outcome = only(harness.check(backend, harness.scenario(text)))

    assert (outcome.verdict, outcome.reason) == (
        Verdict.INCONCLUSIVE,
        "the fault at jogos.arrivedorder never fired",
    )


def test_a_fault_that_fired_and_was_healed_lets_the_check_pass(harness):
    """The twin of the test above: after the outage a second notification has the order reported again."""
    text = HEAD + (
        "  - fault: {as: outage, at: jogos.arrivedorder, order: o1, with: {json: {code: '500'}}}\n"
        "  - callback: {order: o1, type: pay}\n"
        "  - heal: outage\n"
        "  - callback: {order: o1, type: pay}\n"
        "  - eventually: 4s\n    expect:\n      - order: o1\n        arrivedStatus: 1\n"
    )
    with ToyBackend() as backend:
        outcome = only(harness.check(backend, harness.scenario(text)))

    assert outcome.verdict is Verdict.PASS


def test_under_a_fault_for_all_the_controls_wait_until_it_is_healed(harness):
    """A control under an outage would only show the outage."""
    text = HEAD + (
        "  - fault: {as: outage, at: jogos.publicKey, with: {answer: 200, json: {data: nonsense}}}\n"
        "  - login: {player: alice, token: {hostile: other-key}}\n"
        "    expect:\n      - answer: rejected\n"
        "  - heal: outage\n"
    )
    with ToyBackend() as backend:
        outcome = only(harness.check(backend, harness.scenario(text)))

    assert outcome.verdict is Verdict.PASS
    assert [control.split(":")[0] for control in outcome.run.controls] == ["valid token after the fault"] * 2


class Crashes(ToyBackend):
    """Answers a hostile token with a 500."""

    def login(self, token):
        answer = super().login(token)
        return answer if answer.status == 200 else says({"oops": True}, 500)


def test_a_server_error_is_a_refusal_and_a_failure(harness):
    """Anything but yes is rejected; server_error is what it is besides."""
    with Crashes() as backend:
        outcome = only(harness.check(backend, "JG-LOGIN-40"))

    assert got(outcome) == ['server_error: the backend broke down - HTTP 500 {"oops": true}']


class Refuses500(ToyBackend):
    """Refuses with the documented code and HTTP 500."""

    def notified(self, arrival):
        answer = super().notified(arrival)
        return answer if b'"200"' in answer.body else dataclasses.replace(answer, status=500)


def test_a_500_with_the_documented_code_is_a_clean_refusal(harness):
    """jogos:iap.1.err says nothing of HTTP statuses."""
    with Refuses500() as backend:
        result = harness.check(backend, "JG-CB-08", "JG-CB-20")

    assert set(verdicts(result).values()) == {Verdict.PASS}


def test_a_check_whose_needs_are_not_met_is_not_applicable(harness):
    """Counted, listed, and nothing ran: exit 4."""
    with ToyBackend() as backend:
        profile = harness.profile(backend, changes={"sync: {request": "refund_effect: none\n#"})
        result = harness.check(backend, "JG-RECON-01", profile=profile)

    assert set(verdicts(result).values()) == {Verdict.NOT_APPLICABLE}
    assert result.exit_code == 4
    assert "3 not applicable (needs sync)" in result.line


def test_a_required_capability_that_is_missing_fails(harness):
    """--require, so that losing the probe cannot quietly shrink a run."""
    with ToyBackend() as backend:
        profile = harness.profile(backend, changes={"sync: {request": "refund_effect: none\n#"})
        result = harness.check(backend, "JG-RECON-01", profile=profile, require=("sync",))

    assert result.exit_code == 1
    assert "note: required capability 'sync' is not in the profile" in harness.printer.err


class LostProbe(ToyBackend):
    """Its inventory is broken."""

    def inventory(self, user_id):  # noqa: ARG002 - the form of the base class
        return says({"oops": True}, 503)


def test_a_probe_that_cannot_be_read_is_inconclusive(harness):
    """Neither a grant nor its absence was seen."""
    with LostProbe() as backend:
        profile = harness.profile(backend, limits="{eventually: 500ms, settle: 250ms}")
        text = HEAD + "  - pay: {order: o1}\n  - eventually: 500ms\n    expect:\n      - granted: o1\n"
        outcome = only(harness.check(backend, harness.scenario(text), profile=profile))

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert "inventory" in outcome.reason


class KeepsAll(ToyBackend):
    """Takes nothing back on a refund, and grants nothing either."""

    def settle(self, body):
        if body.get("paytype") != "refund":
            super().settle(body)


def test_what_a_team_does_about_refunds_is_judged_by_its_profile(harness):
    """jogos:iap.4 advises to deduct or restrict; with another effect the deduction is not judged."""
    with KeepsAll() as backend:
        warned = harness.check(backend, "JG-REFUND-01", slow_factor=0.2)
        profile = harness.profile(backend, changes={"name: toy": "name: toy\nrefund_effect: restrict"})
        passed = harness.check(backend, "JG-REFUND-01", profile=profile, slow_factor=0.2)

    assert only(warned).verdict is Verdict.WARN
    assert only(passed).verdict is Verdict.PASS
    assert "refund_effect is restrict" in only(passed).notes[0]


def test_a_backend_that_syncs_by_itself_is_waited_for(harness):
    """sync: {every: T} returns when a listing begun after the step has ended."""
    with ToyBackend() as backend:
        stop = threading.Event()

        def poll():
            while not stop.wait(0.3):
                with contextlib.suppress(requests.ConnectionError):  # the sandbox is not there before the run
                    backend.sync()

        profile = harness.profile(
            backend, changes={"sync: {request: {method: POST, path: /sync}}": "sync: {every: 1s}"}
        )
        worker = threading.Thread(target=poll)
        worker.start()
        try:
            result = harness.check(backend, "JG-RECON-01[21]", profile=profile)
        finally:
            stop.set()
            worker.join()

    assert only(result).verdict is Verdict.PASS


def test_the_seed_and_the_salt_repeat_the_very_ids(harness):
    """Same seed, same salt: the same players and orders."""
    ids = []
    for _ in range(2):
        with ToyBackend() as backend:
            outcome = only(harness.check(backend, "JG-LOGIN-01", seed=5, salt="grain"))
            ids.append(outcome.run.players["alice"].user_id)
    with ToyBackend() as backend:
        other = only(harness.check(backend, "JG-LOGIN-01", seed=5, salt="other"))

    assert ids[0] == ids[1] != other.run.players["alice"].user_id
    assert int(ids[0]) <= 2_147_483_647


def test_first_failure_stops_the_run(harness):
    """-x."""
    with RefusesAll() as backend:
        result = harness.check(backend, selection=Selection(word="login"), max_fail=1, jobs=1)

    assert len(result.outcomes) == 1
