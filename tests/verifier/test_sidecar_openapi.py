"""The sidecar's OpenAPI document: it names each route, and what it says is true of every generated call."""

import base64
import json
import time
from collections import Counter

import pytest
import requests
import schemathesis
from coinslot_contracts.portals.jogos.signing import signature
from coinslot_testkit.demonstrations import compact, notification
from coinslot_testkit.fake_portal import SHARED_KEY
from coinslot_testkit.fake_seller import good_claims as purchase_claims
from coinslot_testkit.fake_seller import purchase_token
from coinslot_testkit.sidecar_process import TOKEN, sidecar_between_portals, start_sidecar
from coinslot_testkit.tokens import GAME_ID, good_claims, make_token
from coinslot_verifier.sidecar.views import ROUTES
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
CASES = 12
SHARE_MIN = 0.10
QUIET = settings(
    max_examples=CASES,
    derandomize=False,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with sidecar_between_portals(tmp_path_factory.mktemp("ledger")) as (portal, seller, sidecar):
        portal.add_order("listed")
        seller.sell("bought", "intent")
        yield portal, seller, sidecar


def document(sidecar):
    return sidecar.ask("GET", "/openapi.json", token=None).json


def test_the_document_names_each_route_and_no_other(stage):
    """Complete: every call of the table, and the four that belong to no portal."""
    made = document(stage[2])
    named = {(method.upper(), path) for path, methods in made["paths"].items() for method in methods}

    plain = {("GET", path) for path in ("/health", "/ready", "/metrics", "/openapi.json")}
    assert named == {(route.method, f"/v1/{{portal}}{route.path}") for route in ROUTES} | plain


def test_a_call_that_no_portal_offers_is_not_in_it(stage):
    """A sidecar without a ledger, for a portal without purchases, offers less."""
    with start_sidecar({"jogos": stage[0].url}, "--portal", "jogos") as small:
        named = {path.removeprefix("/v1/{portal}") for path in document(small)["paths"]}

    assert named >= {"/identity", "/notification", "/confirm", "/orders"}
    assert not {path for path in named if "ledger" in path or "purchase" in path or "items" in path}


def test_every_reference_leads_somewhere(stage):
    """A document whose references dangle cannot be used."""
    made = document(stage[2])
    wanted = {part.split('"')[0] for part in json.dumps(made).split('"$ref": "#/components/')[1:]}

    assert wanted
    for name in wanted:
        kind, _, item = name.partition("/")
        assert item in made["components"][kind]


def good_body(name):
    """What a backend really sends, for the calls whose good bodies no generator can guess."""
    body = compact({**notification("generated", "278"), "gameId": int(GAME_ID)})
    fact = {"kind": "pay", "order_id": "generated", "user_id": "278", "product_id": "1002"}
    return {
        "identity": {"token": make_token(good_claims(now_s=int(time.time())))},
        "notification": {
            "body_b64": base64.b64encode(body).decode(),
            "signature": signature(body, SHARED_KEY),
        },
        "purchase": {"jwt": purchase_token(purchase_claims("bought", "intent")), "external_id": "intent"},
        "confirm": {"order_id": "listed"},
        "apply": {"notification": fact},
    }.get(name)


def steer(stage, case, name):
    """Make a generated call one that can succeed."""
    body = good_body(name)
    if body is not None:
        case.body = body
    if name == "grant":
        case.path_parameters = {"portal": "jogos", "order_id": "generated"}
    if name == "intent":
        wish = {"user_id": "278", "product_id": "gems_100"}
        opened = stage[2].ask("POST", "/v1/playgama/intents", wish).json["external_id"]
        case.path_parameters = {"portal": "playgama", "external_id": opened}


def test_generated_calls_get_documented_answers(stage, record_property):
    """Good and spoilt calls: operations, cases and the share of 2xx are printed; under 10 % fails."""
    sidecar = stage[2]
    sidecar.ask("POST", "/v1/jogos/notification", good_body("notification"))
    schema = schemathesis.openapi.from_dict(document(sidecar))
    cases, good = Counter(), Counter()
    session = requests.Session()
    session.trust_env = False

    def exercise(operation, mode):
        name = operation.definition.raw["operationId"]
        is_good = mode is GenerationMode.POSITIVE

        @seed(7)
        @QUIET
        @given(case=operation.as_strategy(generation_mode=mode), steered=st.booleans())
        def run(case, steered):
            if steered and is_good:
                steer(stage, case, name)
            response = case.call(
                base_url=sidecar.ready["url"],
                session=session,
                headers={"Authorization": f"Bearer {TOKEN}"},
                timeout=60,
            )
            checks = CHECKS if response.status_code == 503 else [not_a_server_error, *CHECKS]
            case.validate_response(response, checks=checks)
            if response.status_code == 503:
                assert "retry-after" in response.headers
            if is_good:
                cases[operation.label] += 1
                good[operation.label] += 200 <= response.status_code < 300

        run()

    for result in schema.get_all_operations():
        operation = result.ok()
        exercise(operation, GenerationMode.POSITIVE)
        if any(operation.iter_parameters()) or operation.body:
            exercise(operation, GenerationMode.NEGATIVE)
    session.close()
    lines = [f"{label:<48} {cases[label]:>5} cases {good[label] / cases[label]:>6.0%} 2xx" for label in cases]
    record_property("table", "\n".join([f"{len(cases)} operations, {cases.total()} cases", *lines]))
    assert len(cases) == len(ROUTES) + 4
    assert {label for label in cases if good[label] / cases[label] < SHARE_MIN} == set()
    faults = [line for line in sidecar.log() if line["event"] == "fault"]
    assert faults == []
