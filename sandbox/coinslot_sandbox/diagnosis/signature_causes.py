"""The mistakes that make a signature wrong: their stable names, what the code did, what to do instead.

Names are never changed, new ones are added. The clause is the portal's, by topic (`NoticesPart.clauses`).
"""

from collections.abc import Mapping
from typing import Final

from coinslot_sandbox.diagnosis.finding import Cause

_FORMULA: Final = "compute {formula}: these parts, in this order, with this digest"
_RAW: Final = (
    "sign and verify the bytes that cross the wire: serialise once and send what was signed, "
    "and hash what arrives before anything parses it"
)
_KEY: Final = (
    "read the shared key as the game parameters show it, nothing before or after it, and never empty"
)
_HEADER: Final = "send the digest alone, spelt as {formula}"


def _digest(says: str) -> Cause:
    return Cause(says=says, remedy=_FORMULA, topic="digest")


def _body(says: str) -> Cause:
    return Cause(says=says, remedy=_RAW, topic="body")


def _respelt(how: str) -> Cause:
    return _body(f"your backend hashed the re-serialised JSON, not the raw bytes: {how}")


def _key(says: str) -> Cause:
    return Cause(says=says, remedy=_KEY, topic="key")


def _header(says: str) -> Cause:
    return Cause(says=says, remedy=_HEADER, topic="header")


SIGNATURE_CAUSES: Final[Mapping[str, Cause]] = {
    # what was computed
    "key-first": _digest("the key was put before the body, not after it"),
    "hmac-sha1": _digest("an HMAC-SHA1 of the body under the key was computed; the rule is no HMAC"),
    "hmac-sha256": _digest("an HMAC-SHA256 of the body under the key was computed; the rule is no HMAC"),
    "hmac-sha512": _digest("an HMAC-SHA512 of the body under the key was computed; the rule is no HMAC"),
    "hmac-md5": _digest("an HMAC-MD5 of the body under the key was computed; the rule is no HMAC"),
    "hmac-swapped": _digest("an HMAC of the key under the body was computed: arguments swapped, and no HMAC"),
    "digest-sha1": _digest("SHA-1 was taken as the digest"),
    "digest-sha256": _digest("SHA-256 was taken as the digest"),
    "digest-sha512": _digest("SHA-512 was taken as the digest"),
    "digest-sha384": _digest("SHA-384 was taken as the digest"),
    "digest-sha224": _digest("SHA-224 was taken as the digest"),
    "digest-sha3-256": _digest("SHA3-256 was taken as the digest"),
    "digest-md5": _digest("MD5 was taken as the digest"),
    "key-left-out": _digest("the body was hashed without the shared key: it was not added, or it was empty"),
    "key-on-both-sides": _digest("the key was put before and after the body"),
    "separator": _digest("something was put between body and key: {separator}"),
    "hashed-twice": _digest("the digest was hashed once more"),
    # what was hashed
    "reserialised-compact": _respelt("written without spaces, as JSON.stringify and most libraries do"),
    "reserialised-spaced": _respelt(
        "written with a space after comma and colon, as Python's json.dumps does"
    ),
    "reserialised-indented": _respelt("written on several lines, as a pretty printer does"),
    "reserialised-sorted": _respelt("members were sorted by name"),
    "reserialised-ascii-escaped": _respelt("characters beyond ASCII were written as \\u escapes"),
    "reserialised-html-escaped": _respelt("<, > and & were written as \\u escapes, as Go and Gson do"),
    "reserialised-unescaped": _respelt(
        "\\u and \\/ escapes of the original were written as plain characters"
    ),
    "reserialised-slash-escaped": _respelt("each / was written as \\/, as PHP's json_encode does"),
    "reserialised-nulls-dropped": _respelt("members that are null were left out"),
    "reserialised-numbers": _respelt("numbers changed their spelling, as they do when read as doubles"),
    "reserialised-as-string": _respelt("the whole body became one JSON string, in quotes and escaped"),
    "body-newline-added": _body("a newline was added after the body"),
    "body-newline-removed": _body("the newline at the end of the body was cut off"),
    "body-trimmed": _body("white space around the body was cut off"),
    "body-crlf": _body("the body's newlines became CR LF"),
    "body-lf": _body("the body's CR LF became newlines"),
    "body-lines-joined": _body("the body was read line by line and its newlines were lost"),
    "body-bom-added": _body("a byte order mark was put before the body"),
    "body-bom-removed": _body("the byte order mark before the body was cut off"),
    "body-empty": _body(
        "an empty body was hashed, as it happens when a framework has read the stream before"
    ),
    "body-is-object": _body("the text of an object was hashed instead of the body: {text}"),
    "body-bytes-repr": _body(
        "Python's way to show bytes was hashed (b'…'): they were formatted, not decoded"
    ),
    "body-dict-repr": _body("Python's way to show a dict was hashed ({{'…': …}}), not the body"),
    "body-latin-1": _body("the text was turned into bytes as Latin-1, not as UTF-8"),
    "body-ascii": _body("the text was turned into bytes as ASCII: characters beyond it became ?"),
    "body-utf-16": _body("the text was turned into bytes as UTF-16, not as UTF-8"),
    "body-mojibake": _body("UTF-8 bytes were read as Latin-1 text before they were hashed"),
    "body-replacement-characters": _body(
        "bytes that are no ASCII were read as U+FFFD before they were hashed"
    ),
    "body-base64": _body("the body's Base64 was hashed, not the body"),
    "body-hex": _body("the body's hex digits were hashed, not the body"),
    "body-url-encoded": _body("the percent-encoded body was hashed"),
    "body-decompressed": _body(
        "the decompressed body was hashed; the signature covers the bytes that are sent"
    ),
    "body-compressed": _body("the compressed body was hashed, but it is sent plain"),
    "body-values-joined": _body("the values of the JSON members were joined and hashed, not the body"),
    "body-as-form": _body("the members were written as name=value pairs and hashed, not the body"),
    "other-message": Cause(
        says="it is the signature of another message: {message}",
        remedy="sign each message anew, over its own bytes",
        topic="body",
    ),
    # which key
    "key-trailing-newline": _key("the shared key ended with a newline, as one that is read from a file does"),
    "key-trailing-space": _key("there was a space after the shared key"),
    "key-leading-space": _key("there was white space before the shared key"),
    "key-bom": _key("there was a byte order mark before the shared key"),
    "key-quoted": _key("the shared key was in quotes"),
    "key-nul": _key("there was a zero byte after the shared key"),
    "key-undefined": _key("the shared key was not set: the text {text} was used as one"),
    "key-trimmed": _key("white space that belongs to the registered key was cut off"),
    "key-case": _key("the shared key had its letters in another case"),
    "key-hex-decoded": _key("the shared key was decoded from hex; it is text"),
    "key-base64-decoded": _key("the shared key was decoded from Base64; it is text"),
    "key-base64-encoded": _key("the shared key was encoded as Base64"),
    "key-url-encoded": _key("the shared key was percent-encoded"),
    "key-hashed": _key("a digest of the shared key was used as the key"),
    "key-utf-16": _key("the shared key was turned into bytes as UTF-16"),
    "key-latin-1": _key("the shared key was turned into bytes as Latin-1"),
    "key-is-game-id": _key("the game's id was used as the shared key"),
    "key-previous": Cause(
        says="it was signed with the shared key that {game} had before",
        remedy="deploy the game's present shared key to every process that signs or verifies",
        topic="key",
    ),
    "key-of-another-game": Cause(
        says="it was signed with the shared key of another game: {game}",
        remedy="choose the shared key by the game that the body names",
        topic="key",
    ),
    "key-not-set": Cause(
        says="the game has no shared key, so nothing can be signed for it",
        remedy="set shared_key of the game",
        topic="key",
    ),
    # how it was written
    "signature-missing": _header("there is no signature"),
    "upper-case": _header("the digits are in upper case; the digest itself is right"),
    "base64": _header("the digest was written as Base64, not in hex digits"),
    "base64-url": _header("the digest was written as Base64url, not in hex digits"),
    "base64-of-hex": _header("the hex digits were encoded as Base64 once more"),
    "hex": _header("the digest was written in hex digits"),
    "hex-separated": _header("there is something between the hex digits, as BitConverter writes it"),
    "hex-zeros-dropped": _header("zeros were dropped from the hex digits: each byte takes two"),
    "hex-sign-extended": _header("bytes above 127 were written with eight digits: they were taken as signed"),
    "scheme-word": _header("a word stands before the digest"),
    "quoted": _header("the digest is in quotes"),
    "surrounding-spaces": _header("there is white space around the digest"),
    "header-repeated": _header("the header was sent several times, or its value was doubled"),
    "truncated": _header("the digest was cut off"),
    "digits-changed": _header(
        "all but a character or two of the digest are right: it was changed on its way"
    ),
}
