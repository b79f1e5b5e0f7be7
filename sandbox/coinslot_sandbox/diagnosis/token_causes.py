"""The mistakes that make a token fail: their stable names, what was done, what to do instead.

Names are never changed, new ones are added. Topics of the form have standards behind them; the portal's own
table (`clauses` of its parts) goes first.
"""

from collections.abc import Mapping
from typing import Final

from coinslot_sandbox.diagnosis.finding import Cause

STANDARDS: Final[Mapping[str, str]] = {
    "form": "rfc7515:2",
    "signature": "rfc7515:5.2",
    "algorithm": "rfc8725:3.1",
    "unsigned": "rfc8725:2.1",
    "header": "rfc8725:3.10",
    "kid": "rfc7515:4.1.4",
    "time": "rfc7519:4.1.4",
    "begin": "rfc7519:4.1.5",
    "ecdsa": "rfc7518:3.4",
}
"""Topic -> the standard behind it, where the portal names no clause of its own."""

_WHOLE: Final = "hand the token over exactly as the client library gives it"
_PINNED: Final = "accept {algorithms} only, and let the token choose neither algorithm nor key"
_FETCH: Final = (
    "fetch the portal's key again where a signature fails, with a cool-down; never keep it for ever"
)
_MINT: Final = "take a fresh token of the portal"
_LIBRARY: Final = "normalise the key's text before it is parsed, or write it as the portal publishes it"
_KID: Final = "look the key up by the token's kid, exactly as it is written, in a set that was fetched lately"


def _form(says: str) -> Cause:
    return Cause(says=says, remedy=_WHOLE, topic="form")


def _key(says: str, remedy: str = _FETCH) -> Cause:
    return Cause(says=says, remedy=remedy, topic="key")


def _key_form(says: str) -> Cause:
    return Cause(says=f"the reader's key text {says}", remedy=_LIBRARY, topic="key-form")


def _user(says: str, remedy: str = _MINT) -> Cause:
    return Cause(says=says, remedy=remedy, topic="user")


def _time(says: str, remedy: str) -> Cause:
    return Cause(says=says, remedy=remedy, topic="time")


TOKEN_CAUSES: Final[Mapping[str, Cause]] = {
    # the text
    "token-missing": _form("there is no token"),
    "token-not-jwt": _form("it is no token: there are no three parts with dots between them"),
    "token-truncated": _form("the token was cut off"),
    "token-encrypted": _form("it has five parts, so it is an encrypted token and not a signed one"),
    "token-extra-parts": _form("it has more than three parts"),
    "token-header-unreadable": _form("its first part is no JSON object in Base64url"),
    "token-claims-unreadable": _form("its second part is no JSON object in Base64url"),
    "token-signature-unreadable": _form("its third part is no Base64url"),
    "token-whitespace": _form("there is white space or a newline around the token"),
    "token-line-broken": _form("the token was broken into lines"),
    "token-quoted": _form("the token is in quotes"),
    "token-scheme-word": _form("a word stands before the token"),
    "token-url-encoded": _form("the token is percent-encoded"),
    "token-in-json": _form("the token is still inside the JSON that carried it"),
    "token-base64-encoded": _form("the whole token was encoded as Base64 once more"),
    "token-padded": _form("its parts have Base64 padding (=), which a token never has"),
    "token-standard-base64": _form(
        "its parts are in the standard Base64 alphabet (+ and /), not in Base64url"
    ),
    # algorithm and signature
    "alg-none": Cause(says="it says alg none: anybody can write it", remedy=_PINNED, topic="unsigned"),
    "alg-hs256-public-key": Cause(
        says="it is signed by HMAC with the portal's public key as the secret: a forgery that a reader takes "
        "for good where the token chooses the algorithm",
        remedy=_PINNED,
        topic="unsigned",
    ),
    "alg-mismatch": Cause(
        says="it says alg {alg}, but the portal signs with {algorithms}", remedy=_PINNED, topic="algorithm"
    ),
    "signature-empty": Cause(
        says="its signature is empty: nobody signed it", remedy=_PINNED, topic="unsigned"
    ),
    "signature-dropped": Cause(
        says="its signature was dropped: there are two parts, not three", remedy=_PINNED, topic="unsigned"
    ),
    "signature-der": Cause(
        says="its signature is DER-encoded; a token holds r and s, 32 bytes each",
        remedy="sign with a JOSE library, or convert the signature",
        topic="ecdsa",
    ),
    "header-refused": Cause(
        says="its header has {members}, which changes how a token is read or offers a key of the sender's",
        remedy="refuse such headers; take keys from the portal alone",
        topic="header",
    ),
    "content-changed": Cause(
        says="{owner} made this signature, but over other bytes: header or claims were changed, or encoded "
        "anew, after signing",
        remedy=_WHOLE,
        topic="signature",
    ),
    # which key
    "key-previous": _key("it was signed with a key that the portal used before: {owner}"),
    "key-unpublished": _key(
        "it was signed with a key that the portal does not publish yet: {owner}",
        "ask again after a while: the portal publishes a new key late sometimes",
    ),
    "key-never-published": _key(
        "it was signed with a key that the portal never publishes: a forgery", "refuse it"
    ),
    "key-of-another-portal": _key(
        "it was signed by another portal: {owner}", "verify each token with the keys of the portal it is from"
    ),
    "key-of-another-environment": _key(
        "it was signed in another environment: {owner}",
        "use the hosts and keys of one environment for everything",
    ),
    "key-of-a-sandbox": _key(
        "it was signed with a published test key, so it comes from another sandbox or another seed",
        "point client and backend to the same sandbox; in production such a token is refused",
    ),
    "key-not-for-signatures": _key(
        "it was signed with a published key that is not for signatures: {owner}",
        "pass over keys whose use or algorithm is another one",
    ),
    "kid-missing": Cause(
        says="it names no key (no kid), so a reader that only looks keys up finds none",
        remedy="without a kid, try each published key of that algorithm",
        topic="kid",
    ),
    "kid-unknown": Cause(says="its kid names no published key", remedy=_KID, topic="kid"),
    "kid-case": Cause(
        says="its kid differs from a published one only in upper and lower case", remedy=_KID, topic="kid"
    ),
    "kid-of-another-key": Cause(
        says="its kid names another published key than the one that signed it", remedy=_KID, topic="kid"
    ),
    "kid-duplicate": Cause(
        says="several published keys have its kid; a reader that takes the first one may take the wrong one",
        remedy="try every published key of that kid",
        topic="kid",
    ),
    # times
    "time-in-ms": _time(
        "{members} is in milliseconds; a token's times are seconds",
        "divide by 1000 when writing and comparing",
    ),
    "time-not-a-number": _time("{members} is no number", "write times as numbers of seconds since 1970"),
    "exp-missing": _time("it never expires: there is no exp", _MINT),
    "exp-before-iat": _time("it ends before it was issued", _MINT),
    "expired": _time("it expired {late} before the moment of judgement", _MINT),
    "not-yet-valid": Cause(
        says="it becomes valid {early} after the moment of judgement",
        remedy="compare in UTC, in seconds, with a clock that is set",
        topic="begin",
    ),
    "clock-skew": Cause(
        says="the clocks differ: it fails now, and passes with a skew of {skew} s ({claim})",
        remedy="synchronise the clocks, and allow a skew of 30 s, 60 s at most",
        topic="time",
    ),
    # what it says
    "issuer-other": Cause(
        says="it was issued by {found}, not by {wanted}",
        remedy="take tokens of the portal alone",
        topic="issuer",
    ),
    "issuer-missing": Cause(says="it names no issuer", remedy=_MINT, topic="issuer"),
    "game-other": Cause(
        says="it is for game {found_game}, not for game {wanted_game}",
        remedy="compare the game with your own, as text",
        topic="game",
    ),
    "sub-missing": _user("there is no sub, in which the user is"),
    "sub-flat": _user("the user's members are at the top of the claims; they belong into sub, as JSON text"),
    "sub-object": _user("sub is an object; it is a string that holds the user as JSON"),
    "sub-not-text": _user("sub is no string"),
    "sub-not-json": _user("sub is a text, but no JSON object"),
    "sub-encoded-twice": _user("sub was encoded as JSON twice"),
    "user-id-missing": _user("the user in it has no id: {detail}"),
    "claims-unusable": _user("what it says cannot be used: {detail}"),
    # what the reader does with it
    "sub-not-parsed": _user(
        "the reader did not parse sub: the user is JSON text inside it, so a reader that takes the id from "
        "the claims themselves finds nothing",
        "parse sub as JSON once, after the signature was checked, and require the user's id",
    ),
    "user-id-rounded": _user(
        "the reader rounded the user's id: it went through a floating-point number",
        "keep ids as text",
    ),
    "user-id-differs": _user(
        "the reader took another user's id than the one in the token", "read the id from the verified token"
    ),
    "audience-assumed": Cause(
        says="the reader asks for an audience, and there is none: the portal's tokens have no aud",
        remedy="ask for no audience; compare the game or the order instead",
        topic="audience",
    ),
    "audience-other": Cause(
        says="the reader asks for another audience than the token's",
        remedy="ask for no audience; compare the game or the order instead",
        topic="audience",
    ),
    "public-key-outdated": _key("the reader still uses a key that the portal used before: {reader_key}"),
    "public-key-of-another-portal": _key(
        "the reader uses a key of another portal: {reader_key}", "fetch the key of the portal it is from"
    ),
    "public-key-other": _key("the reader uses another key than the one that signed the token"),
    "public-key-private": _key_form("is a private key, which nobody but its owner may ever see"),
    "public-key-empty": _key_form("is empty"),
    "public-key-html": _key_form("is a web page: the key endpoint was not reached"),
    "public-key-unreadable": _key_form("holds no public key"),
    "public-key-cut": _key_form("was cut off: there is no END line"),
    "public-key-certificate": _key_form("is a certificate, with the key inside it"),
    "public-key-ssh": _key_form("is in SSH's form"),
    "public-key-pkcs1": _key_form("is PKCS#1 (BEGIN RSA PUBLIC KEY), which many libraries do not read"),
    "public-key-escaped-newlines": _key_form(
        "has backslash and n where newlines belong, as an .env file does"
    ),
    "public-key-one-line": _key_form("has no newlines: header, Base64 and footer are on one line"),
    "public-key-bare-base64": _key_form("is bare Base64, without header and footer"),
    "public-key-base64-of-pem": _key_form("is a whole PEM text encoded as Base64 once more"),
    "public-key-quoted": _key_form("is in quotes"),
    "public-key-bom": _key_form("begins with a byte order mark"),
    "public-key-indented": _key_form("has white space at the beginning of its lines"),
    "public-key-crlf": _key_form("has CR LF; readers that cut fixed lengths off, as samples do, fail on it"),
    "public-key-wrapped": _key_form("is wrapped; readers that expect one line of Base64 fail on it"),
    "public-key-trailing-newline": _key_form(
        "ends with a newline; readers that cut fixed lengths off, as samples do, fail on it"
    ),
}
