"""The kernel: portals found, messages as values, errors, names and test keys."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from coinslot_contracts import portal as portal_module
from coinslot_contracts.clauses import ClauseUnknown, clauses, get_clause
from coinslot_contracts.errors import ERRORS, Refused, TokenExpired, Undecided
from coinslot_contracts.portal import PORTALS_GROUP, discover
from coinslot_contracts.portals.jogos import PORTAL
from coinslot_contracts.portals.jogos.identity import parse_identity, parse_public_key, token_id
from coinslot_contracts.test_keys import test_key_digests as published_digests
from coinslot_contracts.vocabulary import HOSTILE_TOKENS
from coinslot_contracts.wire import WireReply, WireRequest
from coinslot_testkit.outcomes import code_of
from coinslot_testkit.strategies import JSON_VALUES
from coinslot_testkit.tokens import good_claims
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]


def test_our_portal_is_found_with_its_folder():
    """As a third portal would be: by walking."""
    assert discover()["jogos"] is PORTAL
    assert (PORTAL.folder / "clauses.toml").is_file()


def test_a_portal_of_another_package_is_found_by_its_entry_point(monkeypatch):
    """Portals may be kept outside."""

    class Entry:
        def load(self):
            return replace(PORTAL, name="another")

    asked: list[str] = []
    monkeypatch.setattr(portal_module, "entry_points", lambda group: [asked.append(group), Entry()][1:])

    found = discover.__wrapped__()

    assert set(found) == {"another", *discover()}
    assert asked == [PORTALS_GROUP]


def test_an_endpoint_is_found_by_its_full_name():
    """A misspelt one is an error."""
    assert PORTAL.endpoint("jogos.getOrders").method == "POST"
    with pytest.raises(KeyError):
        PORTAL.endpoint("jogos.getorders")


def test_every_clause_that_a_portals_parts_cite_is_registered():
    """A citation leads somewhere."""
    parts = [PORTAL.identity, PORTAL.notices, PORTAL.reports, *PORTAL.endpoints]

    for part in parts:
        assert part is not None
        assert get_clause(part.clause) is clauses()[part.clause]


def test_an_unknown_clause_is_an_error():
    """jogos:iap.1 exists, its misspelling does not."""
    with pytest.raises(ClauseUnknown):
        get_clause("jogos:" + "iap.0")


def test_an_assumption_is_told_from_a_clause():
    """It can never carry a must alone."""
    assert get_clause("sandbox:at-least-once").is_assumption
    assert not get_clause("jogos:iap.1").is_assumption


def test_addresses_and_environment_are_what_a_backend_is_told():
    """jogos:iap.env"""
    member = {**PORTAL.addresses("http://127.0.0.1:7711"), "game_id": "1220", "shared_key": "k"}

    assert PORTAL.environment(member) == {
        "JOGOS_WEB_URL": "http://127.0.0.1:7711",
        "JOGOS_API_URL": "http://127.0.0.1:7711",
        "JOGOS_GAME_ID": "1220",
        "JOGOS_SHARED_KEY": "k",
    }


def test_a_request_knows_its_path_query_and_headers():
    """Headers without case, the first of repeated ones; a query decoded once."""
    request = WireRequest(
        method="GET",
        target="/p%20q?a=1&b=%26c%3Dd&a=2&e=",
        headers=(("X-One", "1"), ("x-one", "2")),
    )

    assert request.path == "/p%20q"
    assert request.query == {"a": "1", "b": "&c=d", "e": ""}
    assert (request.header("X-ONE"), request.header("x-two")) == ("1", None)
    assert WireReply(headers=(("A", "b"),)).header("a") == "b"


def test_every_error_has_a_code_of_its_own_and_one_family():
    """Codes are never renamed or reused."""
    codes = [error.code for error in ERRORS]

    assert len(set(codes)) == len(codes) == 20
    assert all(issubclass(error, Refused) != issubclass(error, Undecided) for error in ERRORS)
    assert str(TokenExpired("exp has passed")) == "token-expired: exp has passed"


def test_the_test_keys_digests_are_those_of_the_pool():
    """The verifier knows every key that anybody can sign with, and no other."""
    pool = json.loads((ROOT / "sandbox/coinslot_sandbox/data/test-keys.json").read_text("ascii"))
    pems = pool["rsa_2048"] + pool["p_256"]
    keys = [load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True) for pem in pems]
    spki = [key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for key in keys]

    assert published_digests() == {hashlib.sha256(der).hexdigest() for der in spki}
    assert len(spki) == 80


def test_every_defect_of_the_portals_own_claims_has_a_name_in_the_vocabulary():
    """One vocabulary for API, command and YAML."""
    assert PORTAL.identity is not None
    assert set(PORTAL.identity.claim_defects) <= set(HOSTILE_TOKENS)


def test_a_token_id_is_the_samples_and_grows_with_time():
    """jogos:user.4: a 64-bit time-ordered number as a string, because it exceeds 2^53."""
    at_ms = (1_967_423_537_615_581_184 >> 22) + 1_288_834_974_657

    assert at_ms // 1000 == 1_757_905_298
    assert token_id(at_ms, 0) == str((1_967_423_537_615_581_184 >> 22) << 22)
    assert int(token_id(at_ms, 1)) == int(token_id(at_ms, 0)) + 1
    assert int(token_id(at_ms + 1, 0)) > int(token_id(at_ms, 4095))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"sub": '{"userId":"257","gameId":"1220"}'}, None),
        ({"sub": '{"userId":"257","gameId":"1220","username":null,"profilePictureUrl":""}'}, None),
        ({"sub": '{"userId":"257","gameId":"1220","username":5}'}, "sub-invalid"),
        ({"sub": '{"userId":"257"}'}, "sub-invalid"),
        ({"sub": "[]"}, "sub-invalid"),
        ({"sub": ""}, "sub-invalid"),
        ({"sub": None}, "sub-invalid"),
        ({"iat": True, "exp": "x", "iss": 5, "jti": 7}, None),
    ],
)
def test_claims_are_an_identity_or_sub_invalid(changes, code):
    """jogos:user.4 (lines 101-104)"""
    assert code_of(parse_identity, {**good_claims(), **changes}) == code


@given(JSON_VALUES, st.sampled_from(["sub", "iat", "exp", "iss", "jti"]))
def test_any_claims_are_an_identity_or_sub_invalid(value, name):
    """Whatever a portal signs."""
    assert code_of(parse_identity, {**good_claims(), name: value}) in {None, "sub-invalid"}


@given(st.binary(max_size=200) | JSON_VALUES.map(lambda value: json.dumps({"data": value}).encode()))
def test_any_key_document_is_a_text_or_refused(body):
    """jogos:user.4 (line 140)"""
    assert code_of(parse_public_key, body) in {None, "field-missing", "field-invalid"}


def test_other_members_of_a_key_document_are_ignored():
    """jogos:user.4: the portal may add some."""
    (key,) = parse_public_key(b'{"code":"200","data":"text","ts":null}')

    assert key.text == "text"
