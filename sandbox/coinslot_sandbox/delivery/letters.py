"""The bytes of one sending: a good notification, and what a misdelivery makes of them.

Pure: members, keys and the URLs of other games are handed in, and a letter comes out. The steps go in the
order in which a portal would take them: body, signature, then what happens to both after signing.
"""

import gzip
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from coinslot_contracts.dialects import Speak
from coinslot_contracts.domain import Notification
from coinslot_contracts.errors import CoinslotError
from coinslot_contracts.json_bytes import (
    JsonInvalid,
    dump_compact,
    dump_json,
    parse_json_object,
    spelling_headers,
)
from coinslot_contracts.portal import NoticesPart
from coinslot_contracts.vocabulary import WRONG_KEYS
from coinslot_contracts.wire import Headers, find_header

from coinslot_sandbox.delivery.signatures import Keys, NoSuchKey, signature_value
from coinslot_sandbox.delivery.wire_forms import PLAIN, WireForm
from coinslot_sandbox.delivery.writing import written_members
from coinslot_sandbox.errors import CallRefused

Wrongs = Mapping[str, Mapping[str, Any]]
"""Kinds in `vocabulary.MISDELIVERIES`, each with its parameters by name."""

DAY_S: Final = 86_400
VALID: Final = "valid"
GZIP_HEADER: Final = ("Content-Encoding", "gzip")


class CannotSpoil(CallRefused):
    """What a misdelivery needs is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A notification as it leaves.

    headers    the signature among them
    signature  the value of the signature header, None where there is none
    """

    url: str
    body: bytes
    headers: Headers
    signature: str | None
    form: WireForm = PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a letter can be made of.

    speak         in which manner the portal speaks now
    notification  what is true of the order now
    url_of        id of another game, or None for any -> its callback URL, None where there is none
    reflected     "arrived" or "orders" -> a body that the backend signed and sent, None where there was none
    """

    notices: NoticesPart
    speak: Speak
    notification: Notification
    keys: Keys
    url_of: Callable[[str | None], str | None]
    reflected: Callable[[str], bytes | None]


def spoil(letter: Letter, wrongs: Wrongs, sources: Sources) -> Letter:
    """The letter as these misdeliveries make it; kinds that are about when and how often are let pass.

    errors  CannotSpoil
    """
    made = _with_body(letter, wrongs, sources)
    made = _signed(made, letter, wrongs, sources)
    made = _after_signing(made, wrongs, sources)
    if "wrong_content_type" in wrongs:
        value = wrongs["wrong_content_type"]["value"]
        made = replace(made, headers=with_header(made.headers, "Content-Type", value or None))
    if "cross_game" in wrongs:
        made = replace(made, url=_other_url(wrongs["cross_game"]["game"], sources))
    return replace(made, form=_form(wrongs))


def sign(letter: Letter, defect: str, sources: Sources) -> Letter:
    """The letter, signed over its body.

    defect  name in `vocabulary.SIGNATURE_DEFECTS`
    errors  CannotSpoil
    """
    try:
        value = signature_value(defect, sources.notices, body=letter.body, keys=sources.keys)
        if defect == VALID and value is not None:
            value = sources.notices.manner.signature(value, sources.speak)
    except NoSuchKey as error:
        raise CannotSpoil(
            "key-unknown",
            f"there is no shared key for the signature {error.name}",
            "change shared_key of the game, or register another game with one",
        ) from None
    headers = with_header(letter.headers, sources.notices.signature_header, value)
    return replace(letter, headers=headers, signature=value)


def is_signed(letter: Letter, sources: Sources) -> bool:
    """Whether a letter has the right signature over its bytes, or over those before compression."""
    right = [
        sources.notices.manner.signature(sources.notices.sign(body, sources.keys.own), sources.speak)
        for body in (letter.body, readable(letter))
    ]
    return letter.signature in right


def readable(letter: Letter) -> bytes:
    """The body without its compression; as it is where it is not what its header says."""
    name, value = GZIP_HEADER
    if find_header(letter.headers, name) != value:
        return letter.body
    try:
        return gzip.decompress(letter.body)
    except (OSError, EOFError, zlib.error):
        return letter.body


def with_header(headers: Headers, name: str, value: str | None) -> Headers:
    """Headers with one replaced in its place, added at the end, or left out."""
    wanted = name.lower()
    if value is None:
        return tuple(pair for pair in headers if pair[0].lower() != wanted)
    if all(known.lower() != wanted for known, _ in headers):
        return (*headers, (name, value))
    return tuple((known, value) if known.lower() == wanted else (known, old) for known, old in headers)


def _with_body(letter: Letter, wrongs: Wrongs, sources: Sources) -> Letter:
    notices = sources.notices
    if "reflection" in wrongs:
        return _rewritten(letter, _reflected(wrongs["reflection"]["of"], sources))
    if "replay_old" in wrongs:
        old = _older(_told(readable(letter), sources), int(wrongs["replay_old"]["days"] * DAY_S))
        body, _ = notices.manner.dump(written_members(notices, old, sources.speak), sources.speak)
        return _rewritten(letter, body)
    if "field_shape" in wrongs:
        name = wrongs["field_shape"]["shape"]
        shape = notices.shapes.get(name)
        if shape is None:
            known = ", ".join(notices.shapes) or "none"
            raise CannotSpoil("shape-unknown", f"this portal has no shape {name}", f"it has {known}")
        return _rewritten(letter, shape(notices.fields(_told(readable(letter), sources))))
    if "altered" in wrongs:
        encode = wrongs["altered"]["encode"]
        body = dump_json(_members(readable(letter), sources), encode)
        return _rewritten(letter, body, spelling_headers(encode))
    return letter


def _signed(made: Letter, letter: Letter, wrongs: Wrongs, sources: Sources) -> Letter:
    """Signed anew where the bytes are new or the signature is to be another; as it was where not."""
    gzipped = wrongs.get("gzip", {}).get("signed")
    if gzipped == "sent":
        made = _zipped(made)
    defect = _defect(wrongs)
    if defect != VALID or made.body != letter.body:
        made = sign(made, defect, sources)
    return _zipped(made) if gzipped == "plain" else made


def _after_signing(made: Letter, wrongs: Wrongs, sources: Sources) -> Letter:
    if "tampered_field" in wrongs:
        plain, name = readable(made), wrongs["tampered_field"]["field"]
        members = _members(plain, sources)
        tampered = _rewritten(made, dump_compact({**members, name: _other_value(members.get(name))}))
        return tampered if plain == made.body else _zipped(tampered)
    if "resigned_mismatch" in wrongs:
        encode = wrongs["resigned_mismatch"]["encode"]
        body = dump_json(_members(readable(made), sources), encode)
        if body == made.body:
            raise CannotSpoil(
                "spelling-same", f"the body is spelt {encode} already", "take another encode than the body's"
            )
        return _rewritten(made, body, spelling_headers(encode))
    return made


def _defect(wrongs: Wrongs) -> str:
    if "wrong_key" in wrongs:
        return WRONG_KEYS[wrongs["wrong_key"]["which"]]
    return str(wrongs.get("corrupt_signature", {}).get("how", VALID))


def _rewritten(letter: Letter, body: bytes, spelling: Headers = ()) -> Letter:
    """The letter with another body, and with the headers of its spelling instead of the old body's."""
    name, value = GZIP_HEADER
    kept = tuple(pair for pair in letter.headers if (pair[0].lower(), pair[1]) != (name.lower(), value))
    return replace(letter, body=body, headers=(*kept, *spelling))


def _zipped(letter: Letter) -> Letter:
    body = gzip.compress(letter.body, mtime=0)
    return replace(letter, body=body, headers=(*letter.headers, GZIP_HEADER))


def _members(body: bytes, sources: Sources) -> dict[str, Any]:
    """The members of a body; those of a good one where it cannot be read."""
    try:
        return parse_json_object(body)
    except JsonInvalid:
        return written_members(sources.notices, sources.notification, sources.speak)


def _told(body: bytes, sources: Sources) -> Notification:
    """What a body tells; what is true of the order where it tells nothing."""
    try:
        return sources.notices.parse(body)
    except CoinslotError:
        return sources.notification


def _older(notification: Notification, by_s: int) -> Notification:
    refunded_at_s = notification.refunded_at_s
    return replace(
        notification,
        created_at_s=notification.created_at_s - by_s,
        paid_at_s=notification.paid_at_s - by_s,
        refunded_at_s=None if refunded_at_s is None else refunded_at_s - by_s,
    )


def _other_value(value: Any) -> Any:
    """A value of the same type that is another one."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int):
        return value - 1 if value > 0 else value + 1  # never longer: very long ones cannot be written
    if isinstance(value, float):
        return value + 1 if value + 1 != value else value / 2
    if isinstance(value, str):
        return {"pay": "refund", "refund": "pay"}.get(value, value[:-1] + ("0" if value[-1:] != "0" else "1"))
    return None


def _other_url(game_id: str | None, sources: Sources) -> str:
    url = sources.url_of(game_id)
    if url is None:
        raise CannotSpoil(
            "other-game-unknown",
            f"there is no other game {game_id or ''}".rstrip() + " with a callback URL",
            "register another game of this portal with callback_url",
        )
    return url


def _reflected(of: str, sources: Sources) -> bytes:
    body = sources.reflected(of)
    if body is None:
        raise CannotSpoil(
            "nothing-to-reflect",
            f"the backend has sent no validly signed body of {of} for this game yet",
            "let the backend call the portal first",
        )
    return body


def _form(wrongs: Wrongs) -> WireForm:
    chunked, trickle = wrongs.get("chunked"), wrongs.get("trickle")
    return WireForm(
        chunk_bytes=None if chunked is None else chunked["bytes"],
        expect_continue="expect_100" in wrongs,
        trickle_s=0.0 if trickle is None else trickle["for_s"],
        cut_reply="cut_response" in wrongs,
    )
