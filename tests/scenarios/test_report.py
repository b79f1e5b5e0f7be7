"""What a failure says, in which order, and what it never says."""

import xml.etree.ElementTree as ET

import pytest
from coinslot_scenarios.load import load_items, suite_files
from coinslot_scenarios.report.failure import message
from coinslot_scenarios.report.likely import causes
from coinslot_testkit.harness import SHARED_KEY
from coinslot_testkit.toy_backend import ToyBackend, says


class AcceptsAll(ToyBackend):
    """Logs in whoever brings a token, as the player that the token claims."""

    def login(self, token):
        answer = super().login(token)
        return answer if answer.status == 200 else says({"user": {"id": "1"}})


class ChecksNothing(ToyBackend):
    """Takes every signature."""

    def signature_is_right(self, arrival):  # noqa: ARG002 - the form of the base class
        return True


@pytest.fixture
def hostile_login(harness):
    with AcceptsAll() as backend:
        result = harness.check(backend, "JG-LOGIN-22")
    return result, harness


@pytest.fixture
def forged_callback(harness):
    with ChecksNothing() as backend:
        result = harness.check(backend, "JG-CB-08[wrong-key]")
    return result, harness


def _blocks(text):
    words = (
        line.strip().split(" ")[0] for line in text.splitlines() if line.startswith("  ") and line[2] != " "
    )
    return [word for word in words if word.isalpha()]


def test_the_parts_of_a_failure_come_in_a_fixed_order(hostile_login):
    """verdict, expected, got, control, what happened, request, document, likely, fix, curl."""
    result, _ = hostile_login
    text = message(result.outcomes[0])

    assert text.startswith(
        "FAIL JG-LOGIN-22[last-dot-kept]  A token whose signature was cut off is refused\n"
    )
    assert "suite/jogos/login/JG-LOGIN-22.yaml:" in text.splitlines()[1]
    assert _blocks(text) == [
        "expected",
        "got",
        "control",
        "what",
        "request",
        "document",
        "likely",
        "fix",
        "curl",
    ]


def test_the_document_is_named_with_section_and_lines(hostile_login):
    """jogos:user.3 stands at lines 14 to 20."""
    result, _ = hostile_login

    text = " ".join(message(result.outcomes[0]).split())

    assert "3. Verification Logic (lines 14-20)" in text
    assert "[rfc8725:3.1]" in text


def test_a_hostile_token_is_printed_whole_and_a_valid_one_never(hostile_login):
    """The reproducing command needs the first; nobody needs the second."""
    result, harness = hostile_login
    outcome = result.outcomes[0]
    hostile = next(answer for step in outcome.run.sent for answer in step.answers)

    curl = message(outcome).splitlines()[-1]

    assert hostile.request.body.decode() in curl
    assert SHARED_KEY not in "\n".join(harness.printer.out)
    assert harness.ready["control_token"] not in "\n".join(harness.printer.out)


def test_the_command_repeats_the_very_bytes(forged_callback, harness):
    """The body that was signed, and the signature that was sent."""
    result, _ = forged_callback
    outcome = result.outcomes[0]
    answer = next(answer for step in outcome.run.sent for answer in step.answers)

    curl = message(outcome).splitlines()[-1]

    assert answer.request.body.decode() in curl
    assert f"Authorization: {answer.request.header('Authorization')}" in curl
    assert curl.strip().startswith("curl")


def test_junit_holds_place_clause_level_and_seed(hostile_login):
    """For whatever shows test results."""
    result, _ = hostile_login
    suite = ET.parse(result.report).getroot().find("testsuite")
    case = suite.find("testcase")
    facts = {one.get("name"): one.get("value") for one in case.find("properties")}

    assert suite.get("tests") == suite.get("failures") == "2"
    assert case.get("file") == "suite/jogos/login/JG-LOGIN-22.yaml"
    assert case.get("line") == "2"
    assert facts["clause"].startswith("jogos:user.3 ")
    assert (facts["level"], facts["seed"], facts["verdict"]) == ("must", "1", "fail")
    assert "expected  answer: rejected" in case.find("failure").text


def test_a_failed_report_shows_the_call_that_was_wrong(harness):
    """What the backend sent is what its author needs to see."""

    class SignsOtherBytes(ToyBackend):
        def call(self, path, value):
            self.shared_key, kept = b"wrong", self.shared_key
            try:
                return super().call(path, value)
            finally:
                self.shared_key = kept

    with SignsOtherBytes() as backend:
        result = harness.check(backend, "JG-ARR-02", slow_factor=0.2)
    text = message(result.outcomes[0])

    assert "call      POST /api/gamepay/webhook/arrivedorder" in text
    assert "signature is not valid" in text


def test_every_likely_cause_belongs_to_a_check_that_exists():
    """A guess for a check that is gone helps nobody."""
    ids = {item.scenario.id for item in load_items(suite_files())}

    assert {check for check, _ in causes()} <= ids
