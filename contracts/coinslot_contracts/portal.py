"""What a portal is: a value made of optional parts, each a table of pure functions.

Sandbox, verifier and harness are engines over these parts and name no portal. A portal that lacks a part
(identity only, no callbacks, …) leaves it None. When a portal does not fit, widen `Portal` by one optional
field; never write `if portal.name ==` anywhere.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Literal, Protocol

from coinslot_contracts.dialects import Dialect, NoticeManner, Speak, TokenManner
from coinslot_contracts.domain import Game, Identity, Notification, Order, OrdersPage, PurchaseClaims
from coinslot_contracts.errors import CoinslotError
from coinslot_contracts.fault_kinds import FaultKind, LieCase
from coinslot_contracts.orders import PLAIN_ORDERS, OrdersPart
from coinslot_contracts.wire import Headers, WireReply, WireRequest

PORTALS_GROUP = "coinslot.portals"
"""Entry-point group under which a package of another author registers a `Portal` value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedKey:
    """One public key as a portal publishes it.

    kid      the key's id, None where the portal has no such thing
    text     the key as text (PEM, Base64, whatever the portal sent), or None
    jwk      the key as a JWK object, or None
    """

    kid: str | None = None
    text: str | None = None
    jwk: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """The public half of a key that an impersonated portal signs with.

    spki_der   SubjectPublicKeyInfo, DER
    jwk        the same key as a JWK object without `kid`, `use` and `alg`
    oddities   members of a key set's entry that differ from a good key's; None leaves one out
    """

    kid: str
    algorithm: str
    spki_der: bytes
    jwk: Mapping[str, Any] = field(default_factory=dict)
    oddities: Mapping[str, Any] = field(default_factory=dict)


class PortalView(Protocol):
    """What an endpoint may ask of the portal's state; implemented by the sandbox."""

    def find_game(self, game_id: str) -> Game | None:
        """The game with this id, or None."""
        ...

    def find_order(self, order_id: str) -> Order | None:
        """The order with this id, of whatever game, or None."""
        ...

    def count_paid_orders(self, game_id: str) -> int:
        """How many paid orders the game has, refunded ones included."""
        ...

    def list_paid_orders(self, game_id: str, *, first: int, limit: int) -> Sequence[Order]:
        """The game's paid orders, newest payment first, ties by order id; `first` counts from 0."""
        ...

    def published_keys(self) -> Sequence[SigningKey]:
        """The keys that the portal publishes now, the one that it signs with first."""
        ...

    def dialect(self, name: str) -> str | None:
        """The chosen variant where the document is silent or contradicts itself; None for the default.

        name   one of the names in `Portal.dialects`
        """
        ...

    def is_acknowledged(self, order_id: str) -> bool:
        """Whether the backend has acknowledged a notification of this order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """An endpoint learnt that the game has delivered this order."""

    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a request is about, as far as its bytes tell; used to route, to match faults and to journal."""

    game_id: str | None = None
    order_id: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an endpoint says, what it learnt, and why.

    verdict_code     the portal's own code, or the HTTP status as text where the portal has no codes
    verdict_reason   one sentence for the journal; it holds no secret
    refused          our code of why it was refused (`errors`), where it has one; "signature-mismatch" lets
                     the journal look for the mistake
    """

    reply: WireReply
    verdict_code: str
    verdict_reason: str
    events: tuple[Arrived, ...] = ()
    refused: str | None = None


def _as_it_is(good: Mapping[str, Any], *facts: Any) -> dict[str, Any]:  # noqa: ARG001 - in no manner
    return dict(good)


def _no_subject(request: WireRequest) -> Subject:  # noqa: ARG001 - the signature of Endpoint.subject
    return Subject()


class LieView(PortalView, Protocol):
    """What a lie may ask beside what an endpoint may."""

    def signing_key(self) -> SigningKey:
        """The key that tokens are signed with now, published or not."""
        ...

    def previous_key(self) -> SigningKey | None:
        """The key that signed before the last rotation, None where there was none."""
        ...

    def next_key(self) -> SigningKey:
        """The key that would sign after the next rotation; nothing is signed with it yet."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie(FaultKind):
    """A fault in the portal's own terms.

    tell   request, view, the endpoint's honest answer, the case -> the answer. Where it equals the honest
           one there was nothing to lie about, and the fault has not fired
    """

    tell: Callable[[WireRequest, LieView, Callable[[WireRequest, PortalView], Answer], LieCase], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address of the portal that a game's backend calls.

    name     portal and short name, as faults and journal spell it: "jogos.getOrders"
    site     which base URL it lives under: "web" or "api"
    lies     kind of fault -> how the endpoint tells this lie
    """

    name: str
    method: Literal["GET", "POST"]
    path: str
    site: Literal["web", "api"]
    clause: str
    answer: Callable[[WireRequest, PortalView], Answer]
    subject: Callable[[WireRequest], Subject] = _no_subject
    lies: Mapping[str, Lie] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityPart:
    """The portal's signed user token: its claims both ways and where its key is published.

    lifetime_s      speak -> how long a freshly minted token lives, None for one that never ends
    user_fields     our name of a user fact -> the portal's member name ("user_id": "userId")
    header          JOSE header of a good token; takes the key id
    token_id        takes milliseconds since 1970 and a sequence number below 4,096
    change_user     returns claims whose user facts are replaced (portal's names; None drops one)
    claim_defects   hostile name -> function that spoils good claims, for defects of the portal's own layout
    parse_keys      body of the key endpoint -> published keys; raises FieldMissing or FieldInvalid
    parse           claims -> Identity; raises SubInvalid. A second argument, which may be left out, reads
                    JSON objects inside of claims as strictly as `json_bytes.parse_json_object`, but faster
    clauses         topic of a mistake (key, key-form, kid, user, game, …) -> its clause, where not `clause`
    manner          how the token is told beside its claims
    say             (claims as above, speak) -> claims in the chosen manner
    """

    algorithm: str
    issuer: str
    lifetime_s: Callable[[Speak], int | None]
    key_endpoint: str
    user_fields: Mapping[str, str]
    header: Callable[[str], dict[str, Any]]
    token_id: Callable[[int, int], str]
    claims: Callable[..., dict[str, Any]]
    change_user: Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]
    claim_defects: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]
    parse_keys: Callable[[bytes], tuple[PublishedKey, ...]]
    parse: Callable[..., Identity]
    clause: str
    clauses: Mapping[str, str] = field(default_factory=dict)
    manner: TokenManner = field(default_factory=TokenManner)
    say: Callable[[Mapping[str, Any], Speak], dict[str, Any]] = _as_it_is


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """How the portal reads a backend's answer to a notification.

    accepted   the portal takes the notification for received
    code       the code in the answer's body as text, None where there is none
    reason     one sentence: why it was accepted or not
    note       what is accepted but not as documented, or None
    """

    accepted: bool
    code: str | None
    reason: str
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmet:
    """A precondition of payments that the document states and the game does not meet."""

    code: str
    clause: str
    says: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticesPart:
    """The portal's callback: its body both ways, its signature, its acknowledgement.

    method            HTTP method of the callback
    signature_header  the header that carries the signature
    fields            Notification -> ordered JSON members, the documented names
    parse             body bytes -> Notification; raises FieldMissing or FieldInvalid
    sign              body bytes, shared key -> header value
    accepted          the documented answer of success
    refusal           error -> the documented answer for it
    ack               HTTP status, answer body -> Ack
    unmet             Game -> preconditions that it fails
    formula           what `sign` computes, in words for people
    clauses           topic of a mistake (digest, body, key, header) -> its clause, where not `clause`
    manner            how all this is told in the chosen dialects
    shapes            name in `vocabulary.FIELD_SHAPES` -> good members -> body bytes of that form
    """

    method: str
    signature_header: str
    fields: Callable[[Notification], dict[str, Any]]
    parse: Callable[[bytes], Notification]
    sign: Callable[[bytes, bytes], str]
    accepted: WireReply
    refusal: Callable[[CoinslotError], WireReply]
    ack: Callable[[int, bytes], Ack]
    unmet: Callable[[Game], tuple[Unmet, ...]]
    clause: str
    formula: str = "the portal's signature of body and shared key"
    clauses: Mapping[str, str] = field(default_factory=dict)
    manner: NoticeManner = field(default_factory=NoticeManner)
    shapes: Mapping[str, Callable[[Mapping[str, Any]], bytes]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsPart:
    """What a backend tells and asks the portal: an order was delivered; which orders are paid.

    arrived_endpoint, orders_endpoint   names of the endpoints that the requests go to
    arrived       game id, order id -> body bytes
    orders        game id, page number, page size -> body bytes
    headers       body bytes, shared key -> headers to send with it
    check         answer bytes; returns where the portal says yes, else raises Refused or Undecided
    parse_orders  answer bytes -> OrdersPage; raises like `check`
    """

    arrived_endpoint: str
    orders_endpoint: str
    arrived: Callable[[str, str], bytes]
    orders: Callable[[str, int, int], bytes]
    headers: Callable[[bytes, bytes], Headers]
    check: Callable[[bytes], None]
    parse_orders: Callable[[bytes], OrdersPage]
    clause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchasePart:
    """The portal's signed purchase, which the client carries, and the question whether it is paid.

    algorithm       what a good token is signed with; `algorithms` is what a reader may allow
    header          JOSE header of a good token; takes the key id
    claims          (order, issued_at_s) -> claims of a good token
    purchase        (order, price, token) -> the purchase object as the client library hands it over
    parse_keys      body of the key endpoint -> published keys; raises FieldInvalid
    parse_claims    claims of a token whose signature was checked -> PurchaseClaims; raises TokenMalformed
    verify_target   order id, external id -> path and query of the verification, values encoded
    verify_replies  names of the answer's dialects, the default first
    parse_verify    (HTTP status, body, dialect) -> None for paid; raises PurchaseNotPaid or VerifyUnavailable
    clauses         as `IdentityPart.clauses`; the purchase's own members are its `user`
    manner          how the token is told beside its claims
    say             (claims as above, order, price, speak) -> claims in the chosen manner
    say_purchase    (purchase object as above, speak) -> the same in the chosen manner
    say_restored    (purchase object as above, speak) -> the row in which the client library lists it later
    """

    algorithm: str
    algorithms: tuple[str, ...]
    key_endpoint: str
    verify_endpoint: str
    header: Callable[[str], dict[str, Any]]
    claims: Callable[..., dict[str, Any]]
    purchase: Callable[..., dict[str, Any]]
    parse_keys: Callable[[bytes], tuple[PublishedKey, ...]]
    parse_claims: Callable[[Mapping[str, Any]], PurchaseClaims]
    verify_target: Callable[[str, str], str]
    verify_replies: tuple[str, ...]
    parse_verify: Callable[[int, bytes, str | None], None]
    clause: str
    clauses: Mapping[str, str] = field(default_factory=dict)
    manner: TokenManner = field(default_factory=TokenManner)
    say: Callable[[Mapping[str, Any], Order, int, Speak], dict[str, Any]] = _as_it_is
    say_purchase: Callable[[Mapping[str, Any], Speak], dict[str, Any]] = _as_it_is
    say_restored: Callable[[Mapping[str, Any], Speak], dict[str, Any]] = _as_it_is


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """A portal, whole: the value that its folder exports as `PORTAL`.

    addresses     base URL of the impersonation -> the portal's member of the ready line, without the game
    environment   that member, with the game's values -> environment block for a backend
    folder        where clauses, OpenAPI documents and vectors lie
    dialects      name of a dialect -> its variants and where they come from
    order_id      (30 letters and digits that were drawn, speak) -> id of a new order
    environments  each with keys and orders of its own, the default first
    """

    name: str
    title: str
    package: str
    endpoints: tuple[Endpoint, ...]
    addresses: Callable[[str], dict[str, str]]
    environment: Callable[[Mapping[str, str]], dict[str, str]]
    identity: IdentityPart | None = None
    notices: NoticesPart | None = None
    reports: ReportsPart | None = None
    purchases: PurchasePart | None = None
    dialects: Mapping[str, Dialect] = field(default_factory=dict)
    order_id: Callable[[str, Speak], str] = lambda drawn, speak: drawn  # noqa: ARG005
    orders: OrdersPart | None = None
    environments: tuple[str, ...] = ("production", "test")

    @property
    def folder(self) -> Traversable:
        """The portal's folder with its data files."""
        return files(self.package)

    @property
    def life(self) -> OrdersPart:
        """The life of its orders: its own table, else the plain one."""
        return self.orders or PLAIN_ORDERS

    def face(self, environment: str) -> str:
        """The name under which one of its environments is found: the default one is the portal's own."""
        return self.name if environment == self.environments[0] else f"{self.name}.{environment}"

    def endpoint(self, name: str) -> Endpoint:
        """The endpoint of this full name; KeyError where there is none."""
        return {item.name: item for item in self.endpoints}[name]


@cache
def discover() -> Mapping[str, Portal]:
    """Every portal there is, by name: the folders below `portals/`, and those of installed packages.

    Ours are found in the same way as a third one would be.
    """
    package = importlib.import_module("coinslot_contracts.portals")
    found: dict[str, Portal] = {}
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        portal = importlib.import_module(module.name).PORTAL
        found[portal.name] = portal
    for entry in entry_points(group=PORTALS_GROUP):
        portal = entry.load()
        found[portal.name] = portal
    return dict(sorted(found.items()))
