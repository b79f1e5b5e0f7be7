"""One running item: its players, orders, steps and evidence, apart from every other item.

Holds state and nothing that decides: verbs change it, assertions read it. Ids come from the item's own random
numbers (run seed, salt, id and case), decimal and at most 2,147,483,647.
"""

import hashlib
import random
import string
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from coinslot_contracts.portal import Portal, discover

from coinslot_scenarios.answers import Answer
from coinslot_scenarios.backend import ProbeFailed
from coinslot_scenarios.durations import parse_duration, resolve_moment
from coinslot_scenarios.journal import Entry
from coinslot_scenarios.model import Item, Level, Step
from coinslot_scenarios.readings import Reading
from coinslot_scenarios.storefront import Buyer
from coinslot_scenarios.templates import NameUnknown, fill, lookup_in
from coinslot_scenarios.world import World

USER_ID_MAX = 2_147_483_647
ORDER_ID_CHARS = 30


@dataclass(slots=True, kw_only=True)
class PlayerRun:
    """A player of the item.

    backend_id   what the backend calls the player, None where it told nothing
    before       product -> count owned when the item began; None without a probe, or where it failed
    """

    name: str
    user_id: str
    username: str
    picture_url: str
    backend_id: Any = None
    session: str | None = None
    refused: str | None = None
    before: dict[str, int] | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """What templates may name."""
        return {"user_id": self.user_id, "username": self.username, "picture_url": self.picture_url}

    @property
    def buyer(self) -> Buyer:
        """The player as the client who buys; `user_id` is what the backend calls the player."""
        own = self.user_id if self.backend_id is None else str(self.backend_id)
        return Buyer(facts=self.facts, user_id=own, session=self.session)


@dataclass(slots=True, kw_only=True)
class OrderRun:
    """A group of equal orders of one player; mostly one.

    external_ids   what each was opened with, in the same order; empty where the portal has no such thing
    """

    name: str
    portal: str
    player: PlayerRun
    product_id: str
    ids: list[str] = field(default_factory=list)
    external_ids: list[str] = field(default_factory=list)

    @property
    def facts(self) -> dict[str, Any]:
        """What templates may name; of a group, the first."""
        return {
            "orderId": self.ids[0],
            "order_id": self.ids[0],
            "externalId": self.external_ids[0] if self.external_ids else None,
            "productId": self.product_id,
            "product_id": self.product_id,
            "user_id": self.player.user_id,
        }


@dataclass(slots=True, kw_only=True)
class FaultRun:
    """A fault that the item caused."""

    name: str
    fault_id: str
    at: str
    for_all: bool
    fired: int | None = None


@dataclass(slots=True, kw_only=True)
class StepResult:
    """What a step got.

    after_seq   number of the newest journal entry when it began
    """

    step: Step
    after_seq: int
    answers: list[Answer] = field(default_factory=list)
    began_s: float = 0.0

    @property
    def facts(self) -> dict[str, Any]:
        """What templates may name."""
        first = self.answers[0] if self.answers else None
        return {
            "user_id": first.user_id if first else None,
            "status": first.status if first else None,
            "json": first.json if first else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An expectation that did not hold.

    waited_s   how long was waited for it, None where it was looked at once
    """

    kind: str
    level: Level
    reading: Reading
    step: Step
    waited_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the item's own record: what the runner did or saw."""

    at_s: float
    text: str
    order_id: str | None = None


@dataclass(slots=True, kw_only=True)
class ItemRun:
    """The state of one running item."""

    item: Item
    world: World
    ids: random.Random
    seed: int
    players: dict[str, PlayerRun] = field(default_factory=dict)
    orders: dict[str, OrderRun] = field(default_factory=dict)
    faults: dict[str, FaultRun] = field(default_factory=dict)
    results: dict[str, StepResult] = field(default_factory=dict)
    sent: list[StepResult] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    order_ids: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    controls: list[str] = field(default_factory=list)
    control_windows: list[tuple[int, int]] = field(default_factory=list)
    control_orders: set[str] = field(default_factory=set)
    waiting_controls: list[Any] = field(default_factory=list)
    companion: PlayerRun | None = None
    rotations: list[str] = field(default_factory=list)
    extra_keys: list[str] = field(default_factory=list)
    refunded: bool = False
    after_seq: int = 0
    began_s: float = field(default_factory=time.time)

    @property
    def portal(self) -> Portal:
        """The portal that the item's scenario is about."""
        return discover()[self.item.scenario.portal]

    @property
    def outage(self) -> bool:
        """Whether the sandbox makes an endpoint fail just now, for this item."""
        return bool(self.faults)

    def new_user_id(self) -> str:
        """A user id that no other item has, within what the document types as int."""
        return str(self.ids.randint(10_000_000, USER_ID_MAX))

    def new_order_id(self) -> str:
        """An order id of 30 letters and digits."""
        order_id = "".join(self.ids.choices(string.ascii_letters + string.digits, k=ORDER_ID_CHARS))
        self.world.claimed.add(order_id)
        return order_id

    def record(self, text: str, *, order_id: str | None = None, at_s: float | None = None) -> None:
        """Note something for the timeline of a failure."""
        self.events.append(Event(at_s=time.time() if at_s is None else at_s, text=text, order_id=order_id))

    def names(self) -> Mapping[str, Any]:
        """Everything that a template may name now."""
        named: dict[str, Any] = dict(self.values)
        named |= {name: result.facts for name, result in self.results.items()}
        named |= {name: player.facts for name, player in self.players.items()}
        return named | {name: order.facts for name, order in self.orders.items()}

    def filled(self, value: Any) -> Any:
        """A value with its templates of run time replaced; NameUnknown where one has no value yet."""
        return fill(value, lookup_in(self.names()))

    def lookup(self, name: str) -> Any:
        """The value of a dotted name, None where a later part of it is absent."""
        try:
            return lookup_in(self.names())(name)
        except NameUnknown:
            return None

    def with_moments(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Members with `now+30s` and the like replaced."""
        return {name: resolve_moment(value, now_s=time.time()) for name, value in members.items()}

    def duration_s(self, text: str, least: str = "0s") -> float:
        """The longer of a step's and the profile's duration, scaled by --slow-factor."""
        return max(parse_duration(text), parse_duration(least)) * self.world.slow_factor

    def product_id(self, product: int | str, portal: str | None = None) -> str:
        """A literal product id, or the one at this place of the profile's list for a portal."""
        if isinstance(product, str):
            return product
        return self.world.profile.portals[portal or self.item.scenario.portal].products[product - 1]

    def game_id(self, portal: str) -> str | None:
        """The game that this run plays at a portal; None where the portal has no games."""
        game = self.world.games.get(portal)
        return None if game is None else game.game_id

    def calls(
        self,
        endpoint: str,
        *,
        after: int = 0,
        before: int | None = None,
        order_ids: Sequence[str] | None = None,
        external_ids: Sequence[str] = (),
    ) -> list[Entry]:
        """The backend's calls to an endpoint that belong to this item, controls left out.

        order_ids, external_ids   only calls about one of these; None for calls about anything
        """

        def wanted(entry: Entry) -> bool:
            if entry.dir != "in" or entry.endpoint != endpoint:
                return False
            if before is not None and entry.seq > before:
                return False
            if order_ids is not None:
                return entry.order_id in order_ids or entry.external_id in external_ids
            return entry.order_id not in self.control_orders and not self._in_control(entry.seq)

        return self.world.journal.entries(wanted, after=max(after, self.after_seq))

    def _in_control(self, seq: int) -> bool:
        return any(first < seq <= last for first, last in self.control_windows)

    def probe(self, player: PlayerRun) -> dict[str, int]:
        """What a player owns now; recorded. ProbeFailed where it cannot be read."""
        buyer = player.buyer
        owned = self.world.backend.inventory(
            {**player.facts, "user_id": buyer.user_id, "session": buyer.session}
        )
        self.record(f"probe: {player.name} owns {_listed(owned)}")
        return owned

    def remember_inventory(self, player: PlayerRun) -> None:
        """Read once what the player owns before anything happens."""
        if self.world.profile.shape.inventory is None:
            return
        try:
            player.before = self.probe(player)
        except ProbeFailed as error:
            self.record(f"probe failed: {error}")


def _listed(owned: Mapping[str, int]) -> str:
    return ", ".join(f"{count} x {product}" for product, count in owned.items() if count) or "nothing"


def item_seed(*, run_seed: int, item: Item) -> int:
    """The item's own seed: from the run's seed, its id and its case."""
    text = f"{run_seed}:{item.scenario.id}:{item.case or ''}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6])


def new_item_run(item: Item, world: World) -> ItemRun:
    """A fresh state for one item."""
    seed = item_seed(run_seed=world.seed, item=item)
    ids = random.Random(f"{seed}:{world.salt}")  # noqa: S311 - ids of a rehearsal, repeatable on purpose
    return ItemRun(item=item, world=world, ids=ids, seed=seed)
