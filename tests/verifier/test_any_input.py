"""Every function that reads or judges what others send: any input ends in a value or in one of our errors.

The functions are found by their names in both packages, so that a new one that is not fed here fails a test.
goals: T7
"""

import ast
import base64
import io
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import coinslot_contracts
import coinslot_verifier
import pytest
from coinslot_contracts.errors import TokenMalformed
from coinslot_contracts.json_bytes import JsonInvalid, parse_json, parse_json_object
from coinslot_contracts.portal import PublishedKey, discover
from coinslot_contracts.portals.jogos import codes, identity, notices, orders_list, reports
from coinslot_contracts.portals.playgama import jwks, purchase, verify
from coinslot_contracts.wire import WireReply
from coinslot_testkit.hostile_documents import DOCUMENTS, HOSTILE_BYTES, JSON_TEXTS, MEMBERS
from coinslot_testkit.outcomes import code_of
from coinslot_testkit.strategies import JSON_VALUES
from coinslot_testkit.token_workshop import PROFILES, dump
from coinslot_testkit.tokens import GAME_ID, NOW_S, spki
from coinslot_verifier import (
    ConfigInvalid,
    IdentityVerifier,
    NotificationVerifier,
    PortalClient,
    PurchaseVerifier,
    StaticKeys,
    VerifierConfig,
    claims,
    claims_json,
    command,
    jwk,
    jws,
    key_forms,
    key_set,
    key_source,
    notification,
)
from coinslot_verifier.adapters import wsgi
from coinslot_verifier.sidecar import reading
from coinslot_verifier.sidecar.guard import Guard
from coinslot_verifier.sidecar.problems import Problem
from hypothesis import given, reject, settings
from hypothesis import strategies as st

JOGOS, PLAYGAMA = discover()["jogos"], discover()["playgama"]
PEM: Final = identity.KEY_FORMS["pem"](spki())
KEY: Final = key_forms.read_key(PublishedKey(text=PEM))
SHARED_KEY: Final = b"secret"
USER_CONFIG: Final = VerifierConfig(
    portal="jogos",
    game_id=GAME_ID,
    shared_keys=(SHARED_KEY,),
    api_url="http://127.0.0.1:1",
    allow_test_keys=True,
)
PURCHASE_CONFIG: Final = VerifierConfig(portal="playgama", url="http://127.0.0.1:1", allow_test_keys=True)
MEBIBYTE: Final = 1_048_576


class Says:
    """A portal that answers every question with these bytes."""

    def __init__(self, status: int, body: bytes) -> None:
        self._reply = WireReply(status=status, body=body)

    def get(self, *question: object, **limits: object) -> WireReply:  # noqa: ARG002 - says one thing
        return self._reply

    get_verdict = post = get


def identity_part() -> Any:
    assert JOGOS.identity is not None
    return JOGOS.identity


def purchase_part() -> Any:
    assert PLAYGAMA.purchases is not None
    return PLAYGAMA.purchases


def notices_part() -> Any:
    assert JOGOS.notices is not None
    return JOGOS.notices


def speak_of(name: str) -> str | None:
    return {"orders_first_page": "zero"}.get(name)


def at_now() -> float:
    return float(NOW_S)


USERS: Final = IdentityVerifier(USER_CONFIG, key_source=StaticKeys((KEY,)), clock=at_now)
NOTICES: Final = NotificationVerifier(USER_CONFIG)
GUARD: Final = Guard(token="secret", hosts=("game.test",))


def buyers(body: bytes = b"") -> PurchaseVerifier:
    return PurchaseVerifier(
        PURCHASE_CONFIG, key_source=StaticKeys((KEY,)), sender=Says(200, body), clock=at_now
    )


def signed(value: bytes) -> bytes:
    return notices_part().sign(value, SHARED_KEY).encode()  # type: ignore[no-any-return]


def base64_of(read: Callable[[bytes], bytes], part: bytes) -> bytes | None:
    """Its one documented refusal is a ValueError."""
    try:
        return read(part)
    except ValueError:
        return None


def guarded(value: str) -> None:
    """This value in each place of a request at which the sidecar's guard looks."""
    for place in ("HTTP_HOST", "HTTP_ORIGIN", "HTTP_AUTHORIZATION", "PATH_INFO"):
        for sent in (value, f"Bearer {value}"):
            outcome(GUARD.check, {"HTTP_HOST": "localhost", "PATH_INFO": "/login", place: sent})


def wsgi_bodies(body: bytes) -> None:
    """These bytes as a body, announced rightly, too short, too long, not at all, and as their own length."""
    length = len(body)
    for said in (length, length // 2, length + 5, "", body.decode("latin-1")):
        for is_ended in (True, False):
            environ = {
                "CONTENT_LENGTH": str(said),
                "wsgi.input": io.BytesIO(body),
                "wsgi.input_terminated": is_ended,
            }
            read = wsgi.read_body(environ, bytes_max=1000)
            assert isinstance(read, WireReply) or (len(read) <= 1000 and body.startswith(read))


BYTES_READERS: Final[dict[str, Callable[[bytes], Any]]] = {
    "json_bytes.parse_json": parse_json,
    "json_bytes.parse_json_object": parse_json_object,
    "adapters.wsgi.read_body": wsgi_bodies,
    "claims_json.read_base64_strictly": lambda part: base64_of(claims_json.read_base64_strictly, part),
    "claims_json.read_base64": lambda part: base64_of(claims_json.read_base64, part),
    "claims_json.read_object": claims_json.read_object,
    "sidecar.reading.read_object": reading.read_object,
    "portals.jogos.identity.parse_public_key": identity.parse_public_key,
    "portals.jogos.notices.parse_notification": notices.parse_notification,
    "portals.jogos.reports.check": reports.check,
    "portals.jogos.reports.parse_orders": reports.parse_orders,
    "portals.playgama.jwks.parse_jwks": jwks.parse_jwks,
    "portals.playgama.verify.parse_reply": lambda body: [
        code_of(verify.parse_reply, status, body, dialect)
        for status in (200, 404, 500)
        for dialect in (None, *verify.REPLIES)
    ],
    "key_set.read_key_set": lambda body: key_set.read_key_set(body, purchase_part()),
    "key_source.read_key_document": lambda body: key_source.read_key_document(body, identity_part()),
    "key_source.read_key_file": lambda body: key_source.read_key_file(body, identity_part()),
    "notification.read_signed": lambda body: notification.read_signed(
        notices_part(), signed(body), body, shared_keys=(SHARED_KEY,)
    ),
    "notification.check_signature": lambda value: notification.check_signature(
        notices_part(), value, b"{}", shared_keys=(SHARED_KEY,)
    ),
    "NotificationVerifier.verify": lambda body: NOTICES.verify(signed(body), body),
    "command.verify_callback_command": lambda body: command.verify_callback_command(
        body=body, signature=signed(body).decode(), shared_key=SHARED_KEY, game_id=GAME_ID
    ),
    "PortalClient.list_orders": lambda body: list(
        PortalClient(USER_CONFIG, sender=Says(200, body)).list_orders()
    ),
}
VALUE_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "jws.parse_compact": jws.parse_compact,
    "IdentityVerifier.verify": USERS.verify,
    "PurchaseVerifier.check_token": buyers().check_token,
    "PurchaseVerifier.verify": lambda value: buyers().verify(value, "x"),
    "portals.jogos.codes.is_success": codes.is_success,
}
TEXT_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "json_bytes.parse_json": parse_json,
    "Guard.check": guarded,
    "key_forms.read_key": lambda text: key_forms.read_key(PublishedKey(text=text)),
    "notification.check_signature": lambda text: NOTICES.verify(text, b"{}"),
    "command.verify_token_command": lambda text: command.verify_token_command(
        public_key=PEM.encode(), game_id=GAME_ID, token=text
    ),
    "command.verify_purchase_command": lambda text: command.verify_purchase_command(
        jwks=text.encode("utf-8", "replace"), token=text
    ),
    "PortalClient.confirm": PortalClient(USER_CONFIG, sender=Says(200, b'{"code":"200"}')).confirm,
}
MEMBERS_READERS: Final[dict[str, Callable[[dict[str, Any]], Any]]] = {
    "portals.jogos.identity.parse_identity": identity.parse_identity,
    "portals.playgama.purchase.parse_claims": purchase.parse_claims,
    "portals.jogos.orders_list.read_page_no": lambda members: orders_list.read_page_no(members, speak_of),
    "portals.jogos.orders_list.read_page_size": lambda members: orders_list.read_page_size(members, speak_of),
    "claims.check_times": lambda said: claims.check_times(said, now_s=1.5, skew_s=30, max_age_s=60),
    "claims.check_window": lambda said: claims.check_window(said, now_s=1.5, skew_s=30),
    "claims.check_issuer": lambda said: claims.check_issuer(said, issuer="x"),
    "jwk.load_jwk": jwk.load_jwk,
    "key_forms.read_key": lambda entry: key_forms.read_key(PublishedKey(jwk=entry)),
}
TOKEN_READERS: Final[dict[str, Callable[[jws.CompactToken], Any]]] = {
    "jws.check_header": lambda token: jws.check_header(token, algorithm="RS256"),
    "jws.choose_algorithm": lambda token: jws.choose_algorithm(token, allowed=("RS256", "ES256")),
    "jws.check_signature": lambda token: jws.check_signature(token, [KEY], algorithm="RS256"),
    "jws.parse_claims": jws.parse_claims,
}
FED: Final = {*BYTES_READERS, *VALUE_READERS, *TEXT_READERS, *MEMBERS_READERS, *TOKEN_READERS}
PREFIXES: Final = ("parse", "read", "verify", "check", "choose", "load")
OTHERWISE: Final = {
    "portals.playgama.endpoints.verify": "the sandbox's side: answers requests, tested with every endpoint",
    "_Sold.list_orders": "leaves orders out of what PortalClient.list_orders has read, which is fed here",
    "_Reading.read": "asks for a page that PortalClient.list_orders has read, which is fed here",
    "key_trust.check_trusted": "judges a key that read_key has made, which is fed here",
    "_Request.parse_request": "cheroot's reader with a time limit; test_sidecar_process feeds its socket",
}
"""Functions of these names that read nothing from a portal or a client."""


def outcome(call: Callable[..., Any], *arguments: Any) -> str | None:
    """As `code_of`; the three other documented errors count as outcomes too."""
    try:
        return code_of(call, *arguments)
    except JsonInvalid:
        return "json-invalid"
    except ConfigInvalid:
        return "config-invalid"
    except Problem as problem:
        return problem.code


def found_by_name() -> Iterator[str]:
    """Every public function of the two packages whose name says that it reads or judges."""
    for package in (coinslot_contracts, coinslot_verifier):
        assert package.__file__ is not None
        root = Path(package.__file__).parent
        for file in sorted(root.rglob("*.py")):
            module = ".".join(file.relative_to(root).with_suffix("").parts)
            for node in ast.parse(file.read_text("utf-8")).body:
                yield from _named(node, module)


def _named(node: ast.stmt, module: str) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef) and _reads(node.name):
        yield f"{module}.{node.name}"
    if isinstance(node, ast.ClassDef) and not any("Protocol" in ast.dump(base) for base in node.bases):
        for inner in node.body:
            if isinstance(inner, ast.FunctionDef) and (_reads(inner.name) or inner.name == "list_orders"):
                yield f"{node.name}.{inner.name}"


def _reads(name: str) -> bool:
    return name.split("_")[0] in PREFIXES


def test_every_reader_and_judge_is_fed_here():
    """Nothing that reads the outside is left out by oversight."""
    assert set(found_by_name()) - FED - set(OTHERWISE) == set()


@pytest.mark.parametrize("name", BYTES_READERS)
@pytest.mark.parametrize("what", HOSTILE_BYTES)
def test_hostile_bytes_are_read_or_refused_in_bounded_memory(name, what):
    """A megabyte in, and a small multiple of it held while it is read."""
    body = HOSTILE_BYTES[what]()
    tracemalloc.start()
    try:
        outcome(BYTES_READERS[name], body)
        assert tracemalloc.get_traced_memory()[1] < 48 * MEBIBYTE
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", [*VALUE_READERS, *TEXT_READERS])
@pytest.mark.parametrize("what", HOSTILE_BYTES)
def test_hostile_text_is_read_or_refused_in_bounded_memory(name, what):
    """As above, for tokens, signatures and keys; half surrogate pairs among them."""
    read = (VALUE_READERS | TEXT_READERS)[name]
    body = HOSTILE_BYTES[what]()
    texts = (body.decode("utf-8", "surrogateescape"), "\ud800" * 1000, "\udcff.\udcff.\udcff")
    tracemalloc.start()
    try:
        for text in texts:
            outcome(read, text)
        assert tracemalloc.get_traced_memory()[1] < 48 * MEBIBYTE
    finally:
        tracemalloc.stop()


@settings(max_examples=25)
@given(st.data())
@pytest.mark.parametrize("name", BYTES_READERS)
def test_any_bytes_are_read_or_refused(name, data):
    """T7"""
    outcome(BYTES_READERS[name], data.draw(st.binary(max_size=400) | JSON_TEXTS | DOCUMENTS))


@settings(max_examples=25)
@given(st.data())
@pytest.mark.parametrize("name", VALUE_READERS)
def test_any_object_is_read_or_refused(name, data):
    """T7: a framework hands over whatever the client's JSON held."""
    outcome(VALUE_READERS[name], data.draw(JSON_VALUES | st.binary() | st.floats() | st.text()))


@settings(max_examples=25)
@given(st.data())
@pytest.mark.parametrize("name", TEXT_READERS)
def test_any_text_is_read_or_refused(name, data):
    """T7: half surrogate pairs and NUL are text too."""
    alphabet = st.characters(codec=None) | st.sampled_from("-BEGIN PUBLICRSAKYD\n=.\ud800")
    outcome(TEXT_READERS[name], data.draw(st.text(alphabet, max_size=300)))


@settings(max_examples=40)
@given(st.data())
@pytest.mark.parametrize("name", MEMBERS_READERS)
def test_any_members_are_read_or_refused(name, data):
    """T7: what a reader of JSON may hand over, and what a laxer one would: NaN, infinity, any size."""
    outcome(MEMBERS_READERS[name], data.draw(MEMBERS | st.dictionaries(st.text(max_size=5), JSON_VALUES)))


@settings(max_examples=25)
@given(st.data())
@pytest.mark.parametrize("name", TOKEN_READERS)
def test_any_token_taken_apart_is_judged(name, data):
    """T7, behind the Base64."""
    members = data.draw(MEMBERS)
    known = PROFILES["user"].join(dump(members), b"{}", PROFILES["user"].sign)
    try:
        read = jws.parse_compact(known)
    except TokenMalformed:
        reject()  # such a header gets no further
    token = read._replace(
        payload=data.draw(st.binary() | DOCUMENTS),
        signing_input=data.draw(st.binary()),
        signature=data.draw(st.binary(max_size=300)),
    )
    outcome(TOKEN_READERS[name], token)


@settings(max_examples=60)
@given(st.binary(max_size=20), st.integers(0, 293), st.integers(0, 20))
def test_any_spoilt_key_is_unavailable_or_a_key(junk, at, cut):
    """Each place of the key's DER overwritten, widened or narrowed."""
    der = spki()
    spoilt = base64.b64encode(der[:at] + junk + der[at + cut :]).decode()

    assert outcome(key_forms.read_key, PublishedKey(text=spoilt)) in (None, "key-source-unavailable")


@settings(max_examples=40)
@given(st.sampled_from(sorted(PROFILES)), MEMBERS)
def test_any_genuine_claims_are_judged(profile, said):
    """Behind a signature that is right: what a portal could say."""
    token = PROFILES[profile].join(dump({"alg": "RS256"}), dump(said), PROFILES["user"].sign)

    outcome(USERS.verify, token)
    outcome(buyers(b'{"success":true}').verify, token, "x")
