"""The OpenAPI documents: they say what there is, and what they say is true of every generated call."""

import json
from collections import Counter

import pytest
import requests
import schemathesis
from coinslot_contracts.portal import discover
from coinslot_contracts.vocabulary import ENCODINGS, HOSTILE_TOKENS, SIGNATURE_DEFECTS
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_sandbox.control.openapi import BASE, OPERATIONS, document
from coinslot_sandbox.control.routes import ROUTES
from coinslot_sandbox.control.schema_journal import SEQ_MAX
from coinslot_testkit.purchase_steering import PURCHASE_STEERING
from coinslot_testkit.recording_backend import RecordingBackend
from coinslot_testkit.sandbox_client import SandboxClient
from coinslot_testkit.sandbox_steering import CONTROL_STEERING, World, sign_portal_case
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
CASES = 12
FEWER = 5
"""The control API has many operations; few cases of each meet what is wrong with a document."""
SHARE_MIN = 0.10
QUIET = settings(
    max_examples=CASES,
    derandomize=False,  # each test has a seed of its own
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def _control_document():
    return document(discover())


def _portal_documents():
    return {
        name: json.loads((portal.folder / "openapi" / "portal.json").read_text("utf-8"))
        for name, portal in discover().items()
    }


def test_the_document_names_each_route_and_no_other():
    """Complete: every call of the table, and none besides."""
    documented = {(operation.method.upper(), operation.path) for operation in OPERATIONS}

    assert documented == {(route.method, route.path) for route in ROUTES} - {("GET", "/openapi.json")}
    assert f"{BASE}/openapi.json" in _control_document()["paths"]


def test_the_document_is_served_as_it_is_built(client):
    """GET /openapi.json."""
    assert client.done("GET", "/openapi.json") == json.loads(json.dumps(_control_document()))


@pytest.mark.parametrize("names", [HOSTILE_TOKENS, ENCODINGS, SIGNATURE_DEFECTS])
def test_every_name_of_the_vocabulary_is_documented(names):
    """One vocabulary for API, command and YAML."""
    text = json.dumps(_control_document())

    assert not [name for name in names if f'"{name}"' not in text]


def test_every_reference_leads_somewhere():
    """A document whose references dangle cannot be used."""
    made = _control_document()
    wanted = {part.split('"')[0] for part in json.dumps(made).split('"$ref": "#/components/')[1:]}

    assert wanted
    for name in wanted:
        kind, _, item = name.partition("/")
        assert item in made["components"][kind]


@pytest.fixture(scope="module")
def world():
    """One sandbox for all generated calls, with a backend that acknowledges."""
    with (
        RecordingBackend() as backend,
        Sandbox(SandboxSettings(port=0, control_port=0, seed=7)) as running,
    ):
        client = SandboxClient(running.ready)
        yield World(client, backend.url)
        client.pool.clear()


class Tally:
    """Counts answers by operation."""

    def __init__(self):
        self.cases, self.good = Counter(), Counter()

    def add(self, label, status):
        self.cases[label] += 1
        self.good[label] += 200 <= status < 300

    def report(self):
        lines = [
            f"{label:<48} {self.cases[label]:>5} cases {self.good[label] / self.cases[label]:>6.0%} 2xx"
            for label in self.cases
        ]
        return "\n".join([f"{len(self.cases)} operations, {self.cases.total()} cases", *lines])

    def poor(self):
        return {label for label in self.cases if self.good[label] / self.cases[label] < SHARE_MIN}


def _exercise(operation, mode, send, cases):
    @seed(7)
    @settings(QUIET, max_examples=cases)
    @given(case=operation.as_strategy(generation_mode=mode), steered=st.booleans())
    def run(case, steered):
        send(case, steered)

    run()


def _play(raw, base_url, world, prepare, headers, *, cases=CASES):
    """Every operation of a document with good and with spoilt cases; the tally of the good ones."""
    schema = schemathesis.openapi.from_dict(raw)
    tally = Tally()
    session = requests.Session()
    session.trust_env = False

    def sender(operation, count):
        def send(case, steered):
            if case.operation.path.endswith(("/journal/wait", "/journal/stream")):
                case.query = {**(case.query or {}), "timeout_s": 0}
            if case.operation.path.endswith("/journal/stream") and count:
                # an event of what is still on its way would be judged as if it were the whole text
                case.query = {**case.query, "after": SEQ_MAX, "last_event_id": SEQ_MAX}
            if case.operation.path.endswith("/journal/assert") and isinstance(case.body, dict):
                case.body = {name: value for name, value in case.body.items() if name != "within_s"}
            if steered and count:
                prepare(operation, case)
            response = case.call(base_url=base_url, session=session, headers=headers, timeout=60)
            case.validate_response(response, checks=CHECKS)
            if count:
                tally.add(operation.label, response.status_code)

        return send

    for result in schema.get_all_operations():
        operation = result.ok()
        world.rebuild()
        _exercise(operation, GenerationMode.POSITIVE, sender(operation, True), cases)
        if any(operation.iter_parameters()) or operation.body:
            _exercise(operation, GenerationMode.NEGATIVE, sender(operation, False), cases)
    session.close()
    return tally


def _judge(tally, record_property):
    record_property("table", tally.report())
    assert tally.poor() == set()


@pytest.mark.parametrize("cases", [FEWER, pytest.param(CASES, marks=pytest.mark.thorough)])
def test_generated_control_calls_get_documented_answers(world, record_property, cases):
    """Real input: operations, cases and the share of 2xx are printed; under 10 % of 2xx fails."""

    def prepare(operation, case):
        steer = {**CONTROL_STEERING, **PURCHASE_STEERING}.get(operation.label)
        if steer is not None:
            steer(world, case)

    headers = {"Authorization": f"Bearer {world.client.ready['control_token']}"}
    base_url = world.client.ready["control_url"]
    tally = _play(_control_document(), base_url, world, prepare, headers, cases=cases)

    assert len(tally.cases) == len(OPERATIONS) + 2
    _judge(tally, record_property)


@pytest.mark.parametrize("name", list(_portal_documents()))
def test_generated_portal_calls_get_documented_answers(world, record_property, name):
    """The portal's own document, as contracts have it."""
    world.client.done("POST", "/reset")
    raw = _portal_documents()[name]
    base_url = next(iter(world.client.ready[name].values()))

    tally = _play(raw, base_url, world, lambda _operation, case: sign_portal_case(world, case), {})

    assert len(tally.cases) == len(discover()[name].endpoints)
    _judge(tally, record_property)
