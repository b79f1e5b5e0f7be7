"""Generated walks along the links of the control API's document: what was made is used by what follows."""

import json
import re
from collections import Counter
from zlib import crc32

import pytest
import requests
import schemathesis
from coinslot_contracts.portal import discover
from coinslot_sandbox.control.openapi import document
from coinslot_sandbox.control.openapi_links import LINKS
from coinslot_testkit.sandbox_client import SandboxClient
from coinslot_testkit.sandbox_steering import World
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
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
SHARE_MIN = 0.05
"""A walk tries a move again and again that an order makes once, and only from one of its states."""
FEW = 30
PORTALS = ({"portal": "jogos"}, {"portal": "jogos", "paid": True}, {"portal": "playgama"})
SEEDS = range(7, 19)
WALKS = 20
"""Walks of one seed; they go on with the next until each linked operation was reached, and not in vain."""
STEPS = 10
IS_ABOUT_ORDERS = re.compile(r"/(players|products|orders|purchases|callbacks|deliveries|tokens)\b")
LINKED = {
    link["operationId"]
    for by_status in LINKS.values()
    for links in by_status.values()
    for link in links.values()
}
QUIET = settings(
    max_examples=WALKS,
    stateful_step_count=STEPS,
    derandomize=False,  # SEEDS say which walks are taken
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def world(sandbox, backend):
    """A sandbox for the walks, with a player and a product that calls can name."""
    client = SandboxClient(sandbox.ready)
    yield World(client, backend.url)
    client.pool.clear()


def _document():
    return json.loads(json.dumps(document(discover())))


def _name_what_is_there(world, case):
    """An order needs a player, a product and each portal at times; a callback needs a way to the backend."""
    if not isinstance(case.body, dict):
        return
    if case.operation.label.endswith("/callbacks"):
        case.body = {name: value for name, value in case.body.items() if name in ("order", "type")}
    if case.operation.label.endswith("/resend"):
        case.body = {name: value for name, value in case.body.items() if name == "mode"}
    if case.operation.label.endswith("/orders"):
        players = {player["user_id"] for player in world.client.done("GET", "/players")["players"]}
        player = str(case.body.get("player"))
        drawn = {name: value for name, value in case.body.items() if name not in ("player", "product")}
        portal = PORTALS[crc32(json.dumps(drawn).encode()) % len(PORTALS)]  # by what was drawn, not by ids
        kept = {name: value for name, value in drawn.items() if name in ("external_id", "arrivedStatus")}
        named = {"player": player if player in players else world.player, "product": world.product}
        case.body = {**kept, **named, **portal}


class Walked:
    """What the walks have seen; a wrong answer is kept and told at the end."""

    def __init__(self):
        self.cases, self.linked, self.good = Counter(), Counter(), Counter()
        self.wrong = []

    def count(self, step, status):
        """One call; those that used what a link brought are judged."""
        label = step.case.operation.label
        self.cases[label] += 1
        if step.transition is not None and step.is_applied:
            self.linked[label] += 1
            self.good[label] += 200 <= status < 300

    def share(self, label):
        """The share of 2xx of an operation's linked calls."""
        return self.good[label] / self.linked[label]

    def poor(self):
        """Where hardly any call succeeded; of few, one success is enough: a walk goes where it likes."""
        return {label for label in self.linked if self._is_poor(label)}

    def _is_poor(self, label):
        few = self.linked[label] < FEW
        return self.good[label] == 0 if few else self.share(label) < SHARE_MIN

    def report(self):
        """One line for each linked operation."""
        lines = [
            f"{label:<48} {self.linked[label]:>5} linked {self.share(label):>6.0%} 2xx"
            for label in sorted(self.linked)
        ]
        total = f"{self.linked.total()} of {self.cases.total()} calls along links"
        return "\n".join([f"{len(self.linked)} linked operations, {total}", *lines])


def _machine(world, walked, operations):
    schema = schemathesis.openapi.from_dict(_document()).include(operation_id=sorted(operations))
    schema.config.update(base_url=world.client.ready["control_url"])
    schema.config.generation.update(modes=[GenerationMode.POSITIVE])
    schema.config.phases.stateful.inference.algorithms = []  # only the links that the document has
    session = requests.Session()
    session.trust_env = False
    headers = {"Authorization": f"Bearer {world.client.ready['control_token']}"}

    class Walk(schema.as_state_machine()):
        def setup(self):
            """Every walk begins in the same place, or Hypothesis cannot tell what made a difference."""
            world.client.done("POST", "/reset")
            world.rebuild()

        def step(self, input):  # noqa: A002 - the name of the base class
            output = super().step(input)
            walked.count(input, output.response.status_code)
            return output

        def before_call(self, case):
            _name_what_is_there(world, case)

        def get_call_kwargs(self, case):  # noqa: ARG002 - the form of the base class
            return {"headers": headers, "session": session, "timeout": 60}

        def validate_response(self, response, case, **kwargs):  # noqa: ARG002
            try:
                case.validate_response(response, checks=CHECKS)
            except FailureGroup as failures:
                walked.wrong += [f"{case.operation.label}: {failure}" for failure in failures.exceptions]

    return Walk


def _walk(world, about, *, seeds_min):
    """Walk with so many seeds at least; what was seen, and the linked operations that were to be reached."""
    walked = Walked()
    known = LINKED | LINKS.keys()
    operations = {name for name in known if bool(IS_ABOUT_ORDERS.search(name)) is (about == "orders")}
    linked = {f"{name.split()[0].upper()} /_control/v1{name.split()[1]}" for name in operations & LINKED}

    for number in SEEDS:
        run_state_machine_as_test(seed(number)(_machine(world, walked, operations)), settings=QUIET)
        if number - SEEDS.start + 1 >= seeds_min and linked <= set(walked.linked) and not walked.poor():
            break
    return walked, linked


@pytest.mark.parametrize("seeds_min", [1, pytest.param(len(SEEDS), marks=pytest.mark.thorough)])
@pytest.mark.parametrize("about", ["orders", "the rest"])
def test_walks_along_the_links_get_documented_answers(world, record_property, about, seeds_min):
    """Linked operations, calls and the share of 2xx are printed; under 10 % of 2xx fails."""
    walked, linked = _walk(world, about, seeds_min=seeds_min)

    record_property("table", walked.report())
    assert walked.wrong == []
    assert linked <= set(walked.linked)
    assert walked.poor() == set()


def test_every_link_leads_to_an_operation():
    """A link that leads nowhere is passed over in silence by every tool."""
    made = _document()
    known = {
        operation["operationId"]: operation for path in made["paths"].values() for operation in path.values()
    }

    for source, by_status in LINKS.items():
        for status, links in by_status.items():
            assert known[source]["responses"][str(status)]["links"].keys() == links.keys()
            for link in links.values():
                target = known[link["operationId"]]
                parameters = {item["name"] for item in target.get("parameters", ())}
                assert set(link.get("parameters", ())) <= parameters
