"""What one workspace knows that helps a diagnosis: its keys, its games, what it sent and got.

The diagnosis itself is pure (`diagnosis/`); here its cases are put together. Keys go in and never come out.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any, Final

from coinslot_contracts.errors import SignatureMismatch, SignatureMissing
from coinslot_contracts.portal import Answer, Portal
from coinslot_contracts.wire import WireRequest

from coinslot_sandbox.diagnosis.finding import Diagnosis
from coinslot_sandbox.diagnosis.jws import KnownKey
from coinslot_sandbox.diagnosis.signature import EFFORT_BYTES, SignatureCase, diagnose_signature
from coinslot_sandbox.diagnosis.token import TokenCase, best_of, diagnose_token
from coinslot_sandbox.diagnosis.token_rules import token_rules
from coinslot_sandbox.journal import JournalFilter
from coinslot_sandbox.key_material import UNREADABLE, WITHOUT_PRIVATE_KEY, pool_public_keys
from coinslot_sandbox.keys import KeyRing
from coinslot_sandbox.services import Services
from coinslot_sandbox.store.records import GameRecord, KeyRecord

REFUSAL_EFFORT_BYTES: Final = 1_048_576
"""What a refused call may cost: every single mistake over a short body, and the likelier pairs."""
MESSAGES_MAX: Final = 200
MESSAGE_BYTES_MAX: Final = 65_536
_SIGNATURE_CODES: Final = frozenset({SignatureMissing.code, SignatureMismatch.code})


class GameUnknown(Exception):
    """The diagnosis was asked about a game that there is none of."""


def diagnosed_refusal(
    services: Services, portal: Portal, answer: Answer, wire: WireRequest, *, game_id: str | None
) -> Mapping[str, Any] | None:
    """The journal's member about a call that was refused for its signature; None for any other call."""
    if answer.refused not in _SIGNATURE_CODES or portal.notices is None or game_id is None:
        return None
    values = [
        value for name, value in wire.headers if name.lower() == portal.notices.signature_header.lower()
    ]
    try:
        case = _signature_case(services, portal, game_id, wire.body, ", ".join(values) if values else None)
    except GameUnknown:
        return None
    found = diagnose_signature(portal.notices, case, effort_bytes=REFUSAL_EFFORT_BYTES)
    return {name: getattr(found, name) for name in ("cause", "says", "remedy", "clause")}


def diagnose_signature_of(
    services: Services, portal: Portal, *, game_id: str | None, body: bytes, signature: str | None
) -> Diagnosis:
    """Why this signature of a game of the workspace does not verify.

    game_id  None for the portal's default game
    errors   GameUnknown
    """
    assert portal.notices is not None
    wanted = services.games.default(portal.name).game.game_id if game_id is None else game_id
    messages = tuple(_messages(services, portal.name, wanted, body))
    case = _signature_case(services, portal, wanted, body, signature, messages)
    return diagnose_signature(portal.notices, case, effort_bytes=EFFORT_BYTES)


def _signature_case(
    services: Services,
    portal: Portal,
    game_id: str,
    body: bytes,
    signature: str | None,
    messages: tuple[tuple[str, bytes], ...] = (),
) -> SignatureCase:
    games = services.games.list_games()
    own = next((one for one in games if (one.portal, one.game.game_id) == (portal.name, game_id)), None)
    if own is None:
        raise GameUnknown(game_id)
    return SignatureCase(
        body=body,
        signature=signature,
        key=own.game.shared_key,
        game=f"game {game_id}",
        game_id=game_id,
        former=_former_keys(services, own),
        others=[
            (f"game {one.game.game_id} of {one.portal}", one.game.shared_key)
            for one in games
            if one is not own and one.game.shared_key
        ],
        messages=messages,
    )


def _former_keys(services: Services, game: GameRecord) -> tuple[bytes, ...]:
    """The one before the last change, which the store keeps, and those before it that were seen."""
    seen = services.games.former_keys(game.portal, game.game.game_id)
    return tuple(dict.fromkeys(key for key in (game.previous_key, *seen) if key))


def _messages(services: Services, portal: str, game_id: str, body: bytes) -> Iterator[tuple[str, bytes]]:
    """Messages of the game that crossed the wire lately, in both directions, the newest first."""
    journal = services.journal
    entries = journal.entries(
        after=max(journal.last_seq - MESSAGES_MAX, 0), limit=MESSAGES_MAX, wanted=JournalFilter()
    )
    for entry in reversed(entries):
        raw = base64.b64decode(entry["request"]["body_b64"])
        is_ours = entry["dir"] != "control" and (entry["portal"], entry["game_id"]) == (portal, game_id)
        if is_ours and raw and raw != body and len(raw) <= MESSAGE_BYTES_MAX:
            order = f" of order {entry['order_id']}" if entry["order_id"] else ""
            yield f"{entry['endpoint']}{order}, journal entry {entry['seq']}", raw


def diagnose_token_of(
    services: Services,
    *,
    portal: str | None,
    environment: str | None,
    game_id: str | None,
    token: str,
    at_s: float | None,
    public_key: str | None,
    user_id: str | None,
    audience: str | None,
) -> Diagnosis:
    """Why this token does not verify; without a portal, as a token of the portal that it fits best.

    environment  whose keys the reader has, of portals that have it; None for the default one
    at_s         moment of judgement, None for the machine's clock: it is what a backend has
    """
    portals = services.ground.portals.values()
    found = [
        diagnose_token(
            rules,
            TokenCase(
                token=token,
                keys=tuple(_keys(services, one, environment)),
                now_s=services.ground.clock.now_s() if at_s is None else at_s,
                games=_games(services, one, game_id) if rules.kind == "user" else (),
                public_key=public_key,
                user_id=user_id,
                audience=audience,
            ),
        )
        for one in portals
        if portal in (None, one.name)
        for rules in token_rules(one)
    ]
    return best_of(found)


def _games(services: Services, portal: Portal, game_id: str | None) -> tuple[str, ...]:
    """The games that a token may be for: the one that was asked about, else every one, the default first."""
    if game_id is not None:
        return (game_id,)
    games = [one for one in services.games.list_games() if one.portal == portal.name]
    return tuple(one.game.game_id for one in games)


def _keys(services: Services, portal: Portal, environment: str | None) -> Iterator[KnownKey]:
    """Every key that could have signed a token, those of the portal's environment first."""
    known = portal.environments
    own = services.rings[portal.face(environment if environment in known else known[0])]
    yield from _of_ring(own)
    for ring in services.rings.values():
        if ring is own:
            continue
        is_same = ring.portal.name == portal.name
        role = "other-environment" if is_same else "other-portal"
        owner = f"{ring.portal.title}, {ring.environment}" if is_same else ring.portal.title
        yield from (
            KnownKey(role=role, owner=owner, spki_der=key.spki_der)
            for key in _of_ring(ring)
            if key.role != "never-published"
        )
    owner = "a published test key"
    yield from (KnownKey(role="sandbox", owner=owner, spki_der=spki) for spki in pool_public_keys())


def _of_ring(ring: KeyRing) -> Iterator[KnownKey]:
    readable = {record.kid for record in ring.readable()}
    for record in ring.records:
        if record.kind not in WITHOUT_PRIVATE_KEY:
            role = _role(record, is_alone=not ring.names_keys, readable=readable)
            yield KnownKey(
                role=role,
                owner=f"{ring.portal.title}, key {record.kid}",
                spki_der=ring.public(record).spki_der,
                kid=record.shown_kid,
                can_sign=record.kind not in UNREADABLE,
            )
    stranger = ring.stranger
    owner = f"{ring.portal.title}, key {stranger.kid}"
    yield KnownKey(role="never-published", owner=owner, spki_der=ring.public(stranger).spki_der)


def _role(record: KeyRecord, *, is_alone: bool, readable: set[str]) -> str:
    """What a key is to a reader; where one key is published, a second published one is not seen."""
    if record.published and (not is_alone or record.kid in readable):
        return "published"
    return "unpublished" if record.signs else "previous"
