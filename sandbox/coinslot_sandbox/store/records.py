"""What the store keeps, as frozen values; orders and players are contracts' own.

A record adds to a portal's noun what only the sandbox knows: its portal, its schedule, its place in line.
"""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from coinslot_contracts.domain import Game, NotificationKind, Order
from coinslot_contracts.wire import Headers

DeliveryMode = Literal["scheduled", "lost", "manual"]
DeliveryState = Literal["pending", "delivered", "failed", "lost", "cancelled"]
ACK_RULE: Final = "json_code_200"
"""What a game is set to where nobody chose (sandbox:ack-json-code-200)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceRecord:
    """A tenant of the sandbox.

    ends_at_s       when it is deleted by itself, None for never; as created_at_s on the machine's clock
    frozen_at_s     where its schedule stands still, None where it runs
    schedule_offset_s, claims_offset_s   what its two clocks are ahead of the machine's
    """

    name: str
    seed: int
    created_at_s: float
    ends_at_s: float | None = None
    frozen_at_s: float | None = None
    schedule_offset_s: float = 0.0
    claims_offset_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GameRecord:
    """A game of one portal and how its callbacks are delivered.

    retry           name of a preset, or seconds after each failure
    environments    those of the portal in which the game is known
    ack_rule        name in `vocabulary.ACK_RULES`
    terminal_codes  codes of an answer after which nothing is tried again
    previous_key    the shared key before its last change, None where it was not changed yet
    """

    portal: str
    game: Game
    retry: str | tuple[float, ...]
    timeout_s: float
    environments: tuple[str, ...]
    ack_rule: str = ACK_RULE
    terminal_codes: tuple[str, ...] = ()
    previous_key: bytes | None = field(default=None, repr=False)
    is_default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """Something that players buy; `price` is in the portal's own unit."""

    product_id: str
    title: str
    price: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """An order of one portal; an archived one has left the portal's list.

    forced       some move of it was illegal and was made all the same
    environment  of the portal, in which it was made
    """

    portal: str
    environment: str
    order: Order
    archived: bool = False
    forced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """One thing that happened to an order, written in the transaction of the change itself.

    at_s, schedule_s  by the machine's clock and by the schedule's
    move              name in `orders.MOVES`, or "create", "archive", "set" (facts that were overridden)
    status_from, status_to  the portal's own words; there is none before "create"
    cause             name in `vocabulary.ORDER_CAUSES`
    facts             what else belongs to it: refundStatus, the id of the delivery that tells of it
    """

    order_id: str
    at_s: float
    schedule_s: float
    move: str
    status_from: str | None
    status_to: str
    forced: bool
    cause: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDelivery:
    """As much of a delivery as whoever looks for the next one needs; next_at_s is the schedule's."""

    delivery_id: str
    order_id: str
    kind: NotificationKind
    next_at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One notification on its way to one URL.

    headers    those that are sent with the body, the signature among them
    signature  the value of the signature header, None where there is none
    retry_s    seconds to wait after each failure; as many retries as there are numbers
    attempts_made, scheduled_made  all attempts; those that the schedule made, which its retries count from
    next_at_s  when the next attempt is due on the workspace's schedule; None where none will come by itself
    held       it waits until it is released, whatever its time
    cause      of its next attempt: schedule, recover, or fault for one that a fault added
    waits_for  what a fault lets it wait for, or has let it wait for; no fault acts on its next attempt
    fault_id   the fault that added it or put it off
    due_s      next_at_s on the machine's clock; None while nothing is sent by itself
    """

    delivery_id: str
    number: int
    portal: str
    game_id: str
    order_id: str
    user_id: str
    kind: str
    url: str | None
    mode: DeliveryMode
    state: DeliveryState
    body: bytes
    headers: Headers
    signature: str | None = field(repr=False)
    retry_s: tuple[float, ...]
    timeout_s: float
    attempts_made: int
    scheduled_made: int
    next_at_s: float | None
    created_at_s: float
    held: bool = False
    ack_rule: str = ACK_RULE
    terminal_codes: tuple[str, ...] = ()
    cause: str = "schedule"
    waits_for: str | None = None
    fault_id: str | None = None
    due_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """One key of a portal's ring, or an entry that was put beside it.

    kid           unique in the ring; shown_kid is what the published entry says, None for no id at all
    kind          name in `vocabulary.KEY_ENTRIES`
    material      private key as PEM; of `oct` the secret, of `unknown-kty` the public text, in Base64url
    retired       it signed before the last rotation, so `back` returns to it
    is_extra      it was put into the published set and takes no part in rotations
    publish_at_s  when it will be published by itself, None where it will not
    """

    kid: str
    shown_kid: str | None
    number: int
    kind: str
    algorithm: str
    material: str = field(repr=False)
    signs: bool
    published: bool
    retired: bool
    is_extra: bool = False
    publish_at_s: float | None = None


Outcome = tuple[DeliveryState, float | None]
"""What attempts led to: the state, and when the next one is due on the schedule."""
AttemptRecord = dict[str, Any]
"""One attempt in the shape of the control API."""
