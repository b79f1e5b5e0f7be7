"""Every name for a lie, a defect or a re-spelling; API, command and YAML all use these and no others.

Names are added, never renamed. Each has one sentence that says what is done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from coinslot_contracts.errors import (
    AlgRefused,
    CoinslotError,
    GameMismatch,
    IssuerMismatch,
    KidUnknown,
    SignatureMismatch,
    SubInvalid,
    TokenExpired,
    TokenMalformed,
    TokenNotYetValid,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostileToken:
    """A named defect of a token.

    expected   the error with which our verifier refuses it; a backend must refuse it with whatever it has
    """

    says: str
    expected: type[CoinslotError]


HOSTILE_TOKENS: Final[Mapping[str, HostileToken]] = {
    "alg-none": HostileToken(says="alg is none and the signature part is empty", expected=AlgRefused),
    "alg-none-kept-sig": HostileToken(
        says="alg is none, the signature of the good token is kept", expected=AlgRefused
    ),
    "sig-empty": HostileToken(
        says="the signature part is empty, alg is unchanged", expected=SignatureMismatch
    ),
    "sig-dropped": HostileToken(says="the last dot and the signature are cut off", expected=TokenMalformed),
    "hs256-pem": HostileToken(
        says="alg is HS256, keyed with the text of the public key", expected=AlgRefused
    ),
    "hs256-der": HostileToken(
        says="alg is HS256, keyed with the bytes of the public key", expected=AlgRefused
    ),
    "other-key": HostileToken(
        says="well formed, signed with a key that was never published", expected=SignatureMismatch
    ),
    "payload-changed": HostileToken(
        says="the user id, or the order id of a purchase, was changed after signing",
        expected=SignatureMismatch,
    ),
    "other-game": HostileToken(says="genuine, but issued for another game", expected=GameMismatch),
    "expired": HostileToken(says="genuine, but exp passed an hour ago", expected=TokenExpired),
    "not-yet-valid": HostileToken(says="genuine, but nbf is an hour ahead", expected=TokenNotYetValid),
    "issuer-other": HostileToken(says="genuine, but iss names somebody else", expected=IssuerMismatch),
    "sub-not-json": HostileToken(says="genuine, but sub is plain text", expected=SubInvalid),
    "sub-object": HostileToken(says="genuine, but sub is an object, not a string", expected=SubInvalid),
    "sub-no-user-id": HostileToken(says="genuine, but the user has no id", expected=SubInvalid),
    "embedded-jwk": HostileToken(
        says="signed with a key of the attacker's own, which the header's jwk offers for the check",
        expected=AlgRefused,
    ),
    "kid-unknown": HostileToken(
        says="signed with a key that was never published, and kid names that key", expected=KidUnknown
    ),
}
"""Names of claims that a portal's token does not have, or of a kid where it has none, do not apply to it."""

TOKEN_SIGNERS: Final[Mapping[str, str]] = {
    "current": "the key that the portal signs with now",
    "retired": "the key that it signed with before the last rotation",
    "other": "a key that the portal never published",
    "none": "alg none, no signature",
    "hs256_public": "HS256, keyed with the text of the public key",
}

ENCODINGS: Final[Mapping[str, str]] = {
    "compact": "no spaces, UTF-8 as it is: the default",
    "spaced": "a space after each comma and colon",
    "indented": "over several lines, two spaces deep",
    "sorted": "members sorted by name",
    "reversed": "members in reverse order",
    "escaped": "\\u escapes for every non-ASCII character and the first character of every string value",
    "slash_escaped": "every slash as \\/",
    "trailing_newline": "compact, then one newline",
    "gzip": "compact, compressed, with Content-Encoding: gzip; the signature covers the compressed bytes",
    "float_integers": "every whole number as 1.0",
    "nulls_dropped": "members that are null left out",
    "bom": "compact, behind a byte order mark",
    "duplicate_keys": "every member twice, with one value",
}
"""The last four are one document to some readers and another, or none, to others."""

SIGNATURE_DEFECTS: Final[Mapping[str, str]] = {
    "valid": "as documented: the default",
    "missing": "no signature header",
    "empty": "the header is there, but empty",
    "wrong_key": "made with another shared key",
    "other_body": "made over another body",
    "upper": "upper-case hex digits",
    "truncated": "the first 39 of 40 digits",
    "key_first": "the digest of key + body",
    "hmac": "HMAC-SHA1 of the body under the key",
    "sha256": "SHA-256 of body + key",
    "bearer": "the right digest behind the word Bearer",
    "non_ascii": "a header value that holds a byte beyond ASCII",
    "flipped": "the right digest with its last digit changed",
    "signature_word": "the right digest behind the word Signature",
    "base64": "the right digest as Base64 instead of hex",
    "other_game_key": "made with the shared key of another game that is registered here",
    "previous_key": "made with the shared key that the game had before its last change",
    "empty_key": "made with an empty shared key",
    "newline_key": "made with the shared key and a newline behind it",
}

WRONG_KEYS: Final[Mapping[str, str]] = {
    "other": "wrong_key",
    "other_game": "other_game_key",
    "previous": "previous_key",
    "empty": "empty_key",
    "newline": "newline_key",
}
"""What `wrong_key` of a misdelivery can name -> the defect of the signature that it is."""

FIELD_SHAPES: Final[Mapping[str, str]] = {
    "paytype_missing": "paytype is left out, as in the document's example",
    "paytype_unknown": "paytype holds a word that no document knows",
    "paytype_camel": "the member is called payType",
    "paytype_upper": "paytype is in upper case",
    "refund_fields_absent": "the refund members are left out",
    "refund_fields_empty": "the refund members are empty strings",
    "refund_fields_text_null": 'the refund members are the string "null"',
    "refund_fields_zero": "the refund members are 0",
    "refund_status_null": "the refund status is null, whatever the notification is",
    "refund_status_0": "the refund status says refunding",
    "refund_status_1": "the refund status says refunded",
    "refund_status_2": "the refund status says that the refund failed",
    "refund_status_3": "the refund status says that the refund was rejected",
    "refund_time_missing": "the refund status says refunded, and no time is given",
    "order_id_number": "the order id is a number",
    "order_id_case_twin": "the order id with upper and lower case exchanged: another order",
    "order_id_long": "the order id is longer than any column for it",
    "order_id_unicode": "the order id holds letters beyond ASCII",
    "ids_as_strings": "every id is a string",
    "ids_as_numbers": "every id that is made of digits is a number",
    "ids_beyond_doubles": "the user id is 2^53 + 1, which a double cannot hold",
    "user_id_zero": "the user id is 0",
    "user_id_null": "the user id is null",
    "unknown_user": "a user id that nobody has",
    "unknown_product": "a product id that nobody sells",
    "unknown_order": "an order id that nobody has ordered",
    "unknown_game": "a game id that is not this game's",
    "product_id_case": "the product id in another case, or with a letter behind it",
    "arrived_status_1": "the portal says that the order was delivered already",
    "arrived_status_2": "a delivery status that no document knows",
    "times_milliseconds": "times in milliseconds",
    "times_as_strings": "times as strings of digits",
    "times_zero": "times are 0",
    "paid_before_created": "the payment lies a minute before the order",
    "extra_fields": "further members that no document names",
    "duplicate_order_id": "the order id twice, another one first",
    "nan": "a member whose value is NaN, which is not JSON",
    "deep_nesting": "a further member, nested 10,000 deep",
}
"""Bodies with a valid signature that a backend may not expect; a portal has those that its fields allow."""

MISDELIVERIES: Final[Mapping[str, str]] = {
    "duplicate": "the notification comes `copies` times, `gap_s` apart; `mode` exact or rebuild",
    "burst": "`copies` of it at once: every last byte leaves at one moment",
    "keep_alive": "`copies` of it one after another over one connection",
    "timeout_then_retry": "after `for_s` without an answer it is sent again, while the first is handled",
    "reorder": "it comes after its order's next notification (`after: kind`), or another `order`'s",
    "refund_before_pay": "an order's payment comes after its refund",
    "pay_after_refund": "an order's payment comes once more, after its refund",
    "refund_twice": "a refund comes twice",
    "delay": "it comes `for_s` later; with `until: arrived` as soon as the backend has reported the order",
    "drop": "it is never sent: the `first` n attempts of each delivery, or all",
    "cut_response": "the connection is closed when the headers of the answer were read",
    "corrupt_signature": "the signature is spoilt, `how` as in the signature defects",
    "wrong_key": "it is signed with another key: `which`",
    "altered": "it is spelt otherwise (`encode`), with a valid signature over the bytes that are sent",
    "resigned_mismatch": "it is spelt otherwise (`encode`) after it was signed",
    "tampered_field": "`field` is changed after it was signed",
    "cross_game": "it is genuine, but goes to the callback URL of another `game`",
    "field_shape": "a member has an unexpected form (`shape`), with a valid signature",
    "wrong_content_type": "Content-Type is `value`, or left out where that is empty",
    "chunked": "Transfer-Encoding: chunked and no Content-Length; `bytes` to a chunk",
    "expect_100": "Expect: 100-continue: the body follows the backend's go",
    "gzip": "it is compressed; the signature covers the bytes `sent`, or the `plain` ones",
    "trickle": "the body comes in small pieces over `for_s`",
    "replay_old": "its times lie `days` back, with a valid signature: a capture of then",
    "reflection": "a body that the backend itself signed and sent (`of` arrived or orders) comes back to it",
}
"""Faults at `delivery`; hand-made callbacks and resends take those that are about what is sent, not when."""

KEY_ROTATIONS: Final[Mapping[str, str]] = {
    "replace": "a new key signs and is published; the old one is gone",
    "overlap": "a new key signs; the old one stays published beside it (needs key ids)",
    "back": "the previous key signs and is published again",
    "late": "a new key signs, but is published only after a while, or on `publish`",
    "publish": "the key that signs is published now",
}

KEY_ENTRIES: Final[Mapping[str, str]] = {
    "rsa": "a further RSA key of 2048 bits, as good as the one that signs",
    "ec": "a P-256 key for ES256",
    "oct": "a symmetric secret for HS256, which no public set should hold",
    "use-enc": "an RSA key that is for encryption",
    "no-kid": "an RSA key without an id",
    "duplicate-kid": "another RSA key under the id of the one that signs",
    "unknown-kty": "a key of a kind that is newer than most libraries",
    "weak-rsa": "an RSA key of 1024 bits",
}
"""What can be put into a published key set beside the keys that rotate."""

FAULT_KINDS: Final[Mapping[str, str]] = {
    "answer": "answer with this HTTP status, and the given headers and body or json",
    "headers": "add or replace headers of the answer",
    "body": "answer with this body",
    "json": "answer with this JSON",
    "latency": "answer normally, but late",
    "hang": "say nothing for this long, then drop the connection",
    "reset": "reset the connection, instead of answering or in the middle of the body",
    "empty_reply": "close the connection without a byte",
    "garbage": "answer with bytes that are no HTTP, then close",
    "trickle": "dribble the answer out, byte by byte",
    "malformed_json": "cut the JSON off in the middle, with a Content-Length that fits",
    "truncated_body": "send less than Content-Length promises, then close",
    "empty_body": "answer 200 with nothing in it",
    "wrong_content_type": "answer 200 with a page of HTML",
    "bom": "put a byte order mark before the JSON, and a charset into its type",
    "gzip": "compress the answer, whether or not the client asked for it",
    "gzip_garbage": "say Content-Encoding: gzip and send what cannot be unpacked",
    "oversized": "pad the answer with so many MiB of white space",
    "redirect": "send the client to another host",
    "rate_limit": "answer 429 with Retry-After beyond so many calls in a window",
    "stale_key": "publish the previous key, while new tokens are signed with the new one",
    "rotated_key": "publish a new key, while tokens under the old one still circulate",
    "key_published_late": "do not publish the key that signs yet, for ever or for so long",
    "key_withdrawn_early": "withdraw the key that still signs, at once or after so long",
    "key_shape": "publish the key in another form",
    "unknown_kid": "publish the keys under ids that no token names",
    "kid_missing": "publish the keys without ids",
    "kid_duplicate": "publish another key under the id of the one that signs",
    "kid_case": "publish the keys' ids in the other case",
    "jwks_extra_keys": "publish keys beside the right one that must not be taken",
    "jwks_empty": "publish a set without keys",
    "verify_pending": "say that the payment is pending",
    "verify_not_found": "say that there is no such purchase",
    "verify_mismatch": "say that the order belongs to another externalId, or confirm another order",
    "verify_says_no_after_yes": "confirm an order once, then say that the payment was taken back",
    "verify_ok_html": "answer 200 with a page of HTML that reads like success",
    "order_missing_from_page": "leave an order out of the page that it belongs to",
    "page_shift": "let orders come in, or leave, while pages are read, so that rows move",
    "page_size_ignored": "page by another size than was asked for",
    "total_wrong": "tell a wrong number of orders and pages",
    "duplicate_row": "list an order of the page twice",
    "endless_list": "promise a further page after every page",
    "arrived_flag_lag": "list delivered orders as not delivered, for ever or for so long",
    "arrived_rejects": "refuse the confirmation of a delivery with this code",
    "arrived_ok_but_lost": "accept the confirmation of a delivery and forget it",
    "code_type": "answer with the code as a number, or with the text under another name",
    "hostile": "mint the next tokens with this defect",
}
"""What can be wrong at an endpoint or with a token; a portal's own lies, and `MISDELIVERIES`, come on top."""

FAULT_LIMITS: Final[Mapping[str, str]] = {
    "times": "act on so many calls, then no more",
    "nth": "act only on the n-th matching call, counted from 1, or on those of a list",
    "probability": "act on this share of the matching calls, drawn from the seed",
    "ttl_s": "end after so many seconds of the schedule's time",
}
"""What a fault's `with` may say beside its kind."""

FAULT_PRESETS: Final[Mapping[str, str]] = {
    "calm": "nothing goes wrong by itself: the default",
    "realistic": "5 % of the answers are slow, 2 % of the notifications come twice, 1 % out of order",
    "hostile": "failures and lies at every endpoint and on every way, drawn from the seed",
}

CALLBACK_MODES: Final[Mapping[str, str]] = {
    "normal": "notify the backend at once and retry until it acknowledges: the default",
    "lost": "record the notification and never attempt it",
    "manual": "create no notification; the scenario sends it by hand",
}

ORDER_CAUSES: Final[Mapping[str, str]] = {
    "control": "a call of the control API",
    "callback": "a hand-made notification that was genuine, so that what it tells became true",
    "backend": "the game's backend reported it",
}
"""Why something happened to an order."""

VERIFY_STATES: Final[Mapping[str, str]] = {
    "paid": "the purchase is paid: the only answer that grants",
    "pending": "the payment is not completed yet",
    "not_found": "there is no such purchase",
    "refunded": "the purchase was refunded",
    "charged_back": "the player's bank took the payment back",
    "canceled": "the player canceled the payment",
    "failed": "the payment failed",
}
"""What a portal's verification can say of a purchase."""

RETRY_PRESETS: Final[Mapping[str, str]] = {
    "local": "after 1, 5 and 30 s, then as xsolla: the default",
    "none": "one attempt, no retry",
    "fast": "after 0.2, 0.5 and 1 s",
    "xsolla": "2 times after 5 min, 7 times after 15 min, 10 times after 60 min",
    "svix": "after 5 s, 5 min, 30 min, 2, 5, 10 and 10 hours",
}

ACK_RULES: Final[Mapping[str, str]] = {
    "json_code_200": "HTTP 2xx, and the portal's own code of success in the body: the default",
    "http_2xx": "HTTP 2xx, whatever the body says",
    "any": "any answer but a redirect",
}
"""What takes a notification for received; a redirect is never followed and never acknowledges."""
