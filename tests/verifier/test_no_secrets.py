"""T10: no shared key, no part of a token and no key material in what an error, a log or a repr says.

Every error that hostile input brings about is walked with all that hangs on it: text, repr, arguments,
causes, contexts (suppressed ones too) and the formatted traceback. A leak is any 12 characters of a secret
in a row.
"""

import base64
import json
import logging
import traceback

import pytest
from coinslot_contracts.portal import PublishedKey
from coinslot_contracts.portals.jogos.identity import KEY_FORMS
from coinslot_contracts.portals.jogos.signing import signature
from coinslot_contracts.wire import WireReply
from coinslot_testkit.demonstrations import compact, notification
from coinslot_testkit.tokens import NOW_S, encode, good_claims, make_token, private_key, spki
from coinslot_verifier import (
    CachedKeySet,
    ConfigInvalid,
    IdentityVerifier,
    Intents,
    Ledger,
    NotificationVerifier,
    PortalClient,
    PublishedKeys,
    PurchaseVerifier,
    Refused,
    StaticKeys,
    StaticKeySet,
    VerifierConfig,
    open_engine,
)
from coinslot_verifier.command import verify_callback_command, verify_token_command
from coinslot_verifier.http_out import HttpOut
from coinslot_verifier.key_forms import read_key

WINDOW = 12
SHARED_KEY = "kéy-that-nobody-may-ever-read".encode()
CONFIG = VerifierConfig(
    portal="jogos",
    game_id="1220",
    shared_keys=(SHARED_KEY, b"the-older-key-of-this-game"),
    web_url="http://127.0.0.1:9",
    api_url="http://127.0.0.1:9",
    allow_test_keys=True,
    timeout_s=0.5,
)
SELLER = VerifierConfig(portal="playgama", url="http://127.0.0.1:9", allow_test_keys=True, timeout_s=0.5)
KEY_TEXT = KEY_FORMS["pem"](spki())
KEY = read_key(PublishedKey(text=KEY_TEXT, kid="1"))
IDENTITIES = IdentityVerifier(CONFIG, key_source=StaticKeys((KEY,)), clock=lambda: NOW_S)
PURCHASES = PurchaseVerifier(SELLER, key_source=StaticKeySet((KEY,)), clock=lambda: NOW_S)
NOTIFICATIONS = NotificationVerifier(CONFIG)
GOOD = make_token()
HEAD, PAYLOAD, SIGNATURE = GOOD.split(".")


class Answers:
    """A sender that answers everything with these bytes."""

    def __init__(self, body, status=200):
        self._reply = WireReply(status=status, body=body)

    def get(self, *_, **__):
        return self._reply

    get_verdict = post = get


def _signed(claims, **more):
    return make_token(claims, **more)


def _tokens():
    """Tokens that are refused for each reason there is, most of them under a good signature."""
    claims = good_claims()
    yield from (
        "",
        "x",
        GOOD[:-1],
        GOOD + "=",
        GOOD + "é",
        f" {GOOD}",
        GOOD.encode() + b"\xff",
        GOOD.split("."),
    )
    yield from (f"{HEAD}.{PAYLOAD}", f"{HEAD}.{PAYLOAD}.", f"{GOOD}.{PAYLOAD}", f"{HEAD}.{PAYLOAD}.{HEAD}")
    yield f"{HEAD[:-1]}.{PAYLOAD}.{SIGNATURE}"
    yield f"{encode({'alg': 'none'})}.{PAYLOAD}."
    yield f"{encode({'alg': 'HS256', 'k': PAYLOAD})}.{PAYLOAD}.{SIGNATURE}"
    yield f"{encode(b'{' + PAYLOAD.encode())}.{PAYLOAD}.{SIGNATURE}"
    yield f"{encode(PAYLOAD.encode() + bytes([255]))}.{PAYLOAD}.{SIGNATURE}"
    yield _signed(claims, key="other")
    yield _signed(claims, header={"alg": "RS256", "jku": PAYLOAD, "kid": SIGNATURE})
    yield _signed(claims, header={"alg": "RS256", "kid": SIGNATURE})
    for change in (
        {"exp": 1},
        {"exp": PAYLOAD},
        {"exp": None},
        {"iat": NOW_S + 999},
        {"iss": PAYLOAD},
        {"sub": PAYLOAD},
        {"sub": {"userId": PAYLOAD}},
        {"sub": json.dumps({"userId": {"x": PAYLOAD}, "gameId": "1220"})},
        {"sub": json.dumps({"userId": "", "gameId": PAYLOAD})},
        {"sub": "\ud800"},
    ):
        yield _signed({**claims, **change})
    for payload in (b"\xff" + PAYLOAD.encode(), b"[1]", b'{"sub":1,"sub":2}', b"[" * 5000, b'{"exp":1e400}'):
        yield _signed(payload)


def _bodies():
    """Bodies that are refused for each reason there is."""
    good = notification("order1", "278")
    yield from (
        b"",
        b"\xff",
        b"[" * 5000,
        b"[]",
        b'{"a":1,"a":2}',
        SHARED_KEY,
        compact({**good, "gameId": 1}),
    )
    for name in good:
        yield compact({**good, name: {"x": SHARED_KEY.decode()}})
        yield compact({key: value for key, value in good.items() if key != name})


def _signed_with(key):
    return [(body, signature(body, key)) for body in _bodies()]


def _calls():
    """(name, call) of everything that is tried; each call raises."""
    for token in _tokens():
        yield "identity", lambda token=token: IDENTITIES.verify(token)
        yield "purchase", lambda token=token: PURCHASES.check_token(token)
        if isinstance(token, str):
            yield (
                "command",
                lambda token=token: verify_token_command(
                    public_key=KEY_TEXT.encode(),
                    game_id="1221",
                    token=token,
                    at_s=NOW_S,
                    allow_test_keys=True,
                ),
            )
    yield (
        "test key",
        lambda: verify_token_command(public_key=KEY_TEXT.encode(), game_id="1220", token=GOOD, at_s=NOW_S),
    )
    yield "purchase", lambda: PURCHASES.verify(GOOD, "another")
    for body, sent in (*_signed_with(SHARED_KEY), *_signed_with(b"other"), (b"{}", "é" * 40), (b"{}", None)):
        yield "notification", lambda body=body, sent=sent: NOTIFICATIONS.verify(sent, body)
        yield (
            "command",
            lambda body=body, sent=sent: verify_callback_command(
                body=body, signature=sent, shared_key=SHARED_KEY, game_id="1"
            ),
        )
    away = HttpOut(timeout_s=0.3)
    for sender in (away, Answers(SHARED_KEY), Answers(KEY_TEXT.encode()), Answers(b"{}", status=500)):
        yield "keys", lambda sender=sender: PublishedKeys(CONFIG, sender=sender).keys_for(None)
        yield "key set", lambda sender=sender: CachedKeySet(SELLER, sender=sender).keys_for("1")
        yield "confirm", lambda sender=sender: PortalClient(CONFIG, sender=sender).confirm("order1")
        yield "orders", lambda sender=sender: list(PortalClient(CONFIG, sender=sender).list_orders())
    for text in (KEY_TEXT[:-40], KEY_TEXT.replace("A", "é"), KEY_TEXT[30:] + "!"):
        document = json.dumps({"data": text}).encode()
        yield "keys", lambda body=document: PublishedKeys(CONFIG, sender=Answers(body)).keys_for(None)
    yield "key set", lambda: CachedKeySet(SELLER, sender=Answers(_jwks(n=_number() + "é"))).keys_for("1")
    yield "key set", lambda: CachedKeySet(SELLER, sender=Answers(_jwks(n=_number()[:99]))).keys_for("1")
    secret = SHARED_KEY.decode()
    for settings in (
        {"portal": "jogos", "web_url": f"ftp://x:{secret}@host"},
        {"portal": "jogos", "shared_keys": (SHARED_KEY, b"")},
        {"portal": "jogos", "shared_keys": (SHARED_KEY,), "skew_s": 99},
    ):
        yield "config", lambda settings=settings: VerifierConfig(**{"game_id": "1220", **settings})
    yield "config", lambda: VerifierConfig.from_env({"JOGOS_SHARED_KEY": secret}, portal="jogos")
    for url in (
        f"mysql://u:{secret}@h/db",
        f"{secret}",
        f"nosuch+driver://u:{secret}@h",
        f"postgresql:u:{secret}",
    ):
        yield "engine", lambda url=url: open_engine(url)


def _number():
    raw = private_key().public_key().public_numbers().n.to_bytes(256)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _jwks(**members):
    key = {"kty": "RSA", "kid": "1", "alg": "RS256", "use": "sig", "e": "AQAB", **members}
    return json.dumps({"keys": [key]}).encode()


def _windows(secret):
    return {secret[at : at + WINDOW] for at in range(len(secret) - WINDOW + 1)}


def _secret_texts():
    yield from (key.decode() for key in CONFIG.shared_keys)
    yield from (repr(key) for key in CONFIG.shared_keys)
    yield from ("".join(KEY_TEXT.split("\n")[1:-1]), _number(), spki().hex(), PAYLOAD, SIGNATURE)
    for token in _tokens():
        if isinstance(token, str) and token.count(".") == 2:
            yield from token.split(".")[1:]


SECRETS = frozenset().union(*(_windows(text) for text in _secret_texts()))
HARMLESS = frozenset(window for text in (HEAD,) for window in _windows(text))


def leaks(text):
    """The secret pieces in a text."""
    return sorted(
        {text[at : at + WINDOW] for at in range(len(text) - WINDOW + 1)}.intersection(SECRETS) - HARMLESS
    )


def _family(error):
    """The error and everything that hangs on it."""
    left, seen = [error], []
    while left:
        each = left.pop()
        if each is None or each in seen:
            continue
        seen.append(each)
        left += [each.__cause__, each.__context__]
        left += [arg for arg in each.args if isinstance(arg, BaseException)]
    return seen


def _said(error):
    """Whatever a log, a crash reporter or a person could be shown of an error."""
    for each in _family(error):
        yield from (str(each), repr(each), repr(each.args), repr(vars(each)))
        lines = traceback.TracebackException.from_exception(each, capture_locals=False).format()
        yield from lines


CALLS = list(_calls())


def test_no_error_says_a_secret(caplog):
    """T10: over every hostile input, with logging of all libraries at its most talkative."""
    caplog.set_level(logging.DEBUG)
    raised, leaked = {}, []
    for name, call in CALLS:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - whatever comes out is looked at
            raised.setdefault(name, set()).add(type(error).__name__)
            leaked += [(name, type(error).__name__, leaks(text)[0]) for text in _said(error) if leaks(text)]
    leaked += [
        ("log", record.name, leaks(record.getMessage()))
        for record in caplog.records
        if leaks(record.getMessage())
    ]

    assert leaked == []
    assert {*raised["identity"]} >= {
        "TokenMalformed",
        "AlgRefused",
        "SignatureMismatch",
        "SubInvalid",
        "TokenExpired",
    }
    assert sum(len(types) for types in raised.values()) > 25


def test_no_repr_says_a_secret(tmp_path):
    """What a log line `%r` of one's own objects shows."""
    engine = open_engine(f"sqlite:///{(tmp_path / 'x.sqlite').as_posix()}")
    shown = [
        CONFIG,
        SELLER,
        IDENTITIES,
        PURCHASES,
        NOTIFICATIONS,
        PortalClient(CONFIG),
        HttpOut(timeout_s=1),
        CachedKeySet(SELLER, sender=Answers(b"")),
        PublishedKeys(CONFIG, sender=Answers(b"")),
        StaticKeys((KEY,)),
        KEY,
        Ledger(engine, portal="jogos", game_id="1220"),
        Intents(engine, portal="playgama"),
        IDENTITIES.verify(GOOD),
        NOTIFICATIONS.verify(
            signature(compact(notification("o", "1")), SHARED_KEY), compact(notification("o", "1"))
        ),
    ]

    assert [type(each).__name__ for each in shown for text in (repr(each), str(each)) if leaks(text)] == []
    engine.dispose()


def test_the_answers_to_the_portal_say_no_secret():
    """A refusal is read by whoever sent the forgery."""
    for body, sent in _signed_with(b"other"):
        with pytest.raises(Refused) as caught:
            NOTIFICATIONS.verify(sent, body)
        assert leaks(NOTIFICATIONS.reply_for(caught.value).body.decode()) == []


@pytest.mark.parametrize(
    "text", [SHARED_KEY.decode(), f"x{PAYLOAD}y", f"at {SIGNATURE[5:40]}", KEY_TEXT, _number()]
)
def test_a_leak_would_be_found(text):
    """The twin: the walk sees a secret in the text, in an argument and in a suppressed context."""
    assert leaks(text)
    with pytest.raises(ConfigInvalid) as caught:
        _hide(text)
    assert any(leaks(said) for said in _said(caught.value))


def _hide(text):
    try:
        raise ValueError("x", text)
    except ValueError:
        raise ConfigInvalid("harmless") from None
