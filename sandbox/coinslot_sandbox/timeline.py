"""One order's whole story, oldest first: what the client, the portal, the backend and whoever steers did.

The story of the money comes from the store (moves, deliveries, attempts) and is whole whatever becomes of
the journal. What only crossed a wire (questions of the backend, control calls, tokens) is added from the
journal as far as that still has it. The store is asked by the order's id and the journal is capped, so the
cost does not grow with the number of orders.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any, Final

from coinslot_contracts.errors import CoinslotError
from coinslot_contracts.orders import MOVES

from coinslot_sandbox.journal import Entry, JournalFilter
from coinslot_sandbox.services import Services
from coinslot_sandbox.store.order_events import OrderEvents
from coinslot_sandbox.store.records import AttemptRecord, Delivery, OrderEvent, OrderRecord

LANES: Final[Mapping[str, str]] = {
    "client": "the game in the player's browser: tokens, the order, the purchase it hands over",
    "portal": "the portal: moves of the order, notifications and the attempts to deliver them",
    "backend": "the game's server: its answers, and what it asked and reported",
    "control": "whoever steers the sandbox: calls of the control API",
}
DELIVERIES_MAX: Final = 1000
ENTRIES_MAX: Final = 1000
LISTINGS_MAX: Final = 200
"""So many of the backend's listings are searched for the order."""
_CLIENT_CALLS: Final = {
    "POST /purchases": ("purchase", "the client hands the purchase over"),
    "POST /tokens": ("token", "a token is made for the player"),
}
_TITLES: Final[Mapping[str, str]] = {
    **MOVES,
    "create": "the player opens the purchase",
    "archive": "the order leaves the portal's list",
    "set": "facts of the order are set by hand",
}

Event = dict[str, Any]


class Timeline:
    """Tells the stories of one workspace's orders."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._ground = services.ground
        self._events = OrderEvents(services.ground.shop.workspace)

    def tell(self, order_id: str) -> tuple[OrderRecord, list[Event]] | None:
        """The order and its story; None where there is no such order."""
        post = self._ground.post
        with self._ground.database.read() as connection:
            record = self._ground.shop.find_order(connection, order_id)
            if record is None:
                return None
            story = [_moved(event) for event in self._events.list_events(connection, order_id)]
            begun = {event["delivery_id"]: event["at_s"] for event in story if "delivery_id" in event}
            for delivery in post.list_deliveries(connection, order_id=order_id, limit=DELIVERIES_MAX):
                attempts = post.list_attempts(connection, delivery.delivery_id)
                story += self._delivered(delivery, attempts, begun.get(delivery.delivery_id))
        story += self._journalled(record)
        story.sort(key=lambda event: (event["future"], event["at_s"]))
        return record, story

    def _delivered(
        self, delivery: Delivery, attempts: list[AttemptRecord], begun_s: float | None
    ) -> Iterator[Event]:
        """A notification, the attempts to deliver it with their answers, and the attempt that is due next.

        begun_s  the machine's time of the move that it tells of, None where it tells of none
        """
        known = {"delivery_id": delivery.delivery_id}
        if begun_s is None:
            begun_s = attempts[0]["at_s"] if attempts else delivery.created_at_s
        name = f"{delivery.kind} notification"
        yield _event(
            "portal",
            "notification",
            f"{name}, {delivery.mode}, {delivery.state}",
            at_s=begun_s,
            schedule_at_s=delivery.created_at_s,
            **known,
        )
        for attempt in attempts:
            numbered = {**known, "attempt": attempt["attempt"], "journal_seq": attempt["journal_seq"]}
            title = f"{name}, attempt {attempt['attempt']}"
            yield _event("portal", "attempt", title, at_s=attempt["at_s"], **numbered)
            yield _answered(attempt, numbered)
        if delivery.state == "pending" and delivery.next_at_s is not None:
            due_s, number = delivery.next_at_s, delivery.attempts_made + 1
            at_s = self._ground.schedule.machine_s(due_s)
            title = f"{name}, attempt {number} is {'held' if delivery.held else 'due'}"
            event = _event(
                "portal",
                "next-attempt",
                title,
                at_s=due_s if at_s is None else at_s,
                schedule_at_s=due_s,
                attempt=number,
                **known,
            )
            yield {**event, "future": True}

    def _journalled(self, record: OrderRecord) -> Iterator[Event]:
        """What the journal adds; attempts are told from the store already."""
        order = record.order
        for entry in self._entries(JournalFilter(order_id=order.order_id)):
            if entry["dir"] != "out":
                yield _crossed(entry)
        for entry in self._entries(JournalFilter(user_id=order.user_id, endpoint="POST /tokens")):
            yield _crossed(entry)
        reports = self._ground.portals[record.portal].reports
        if reports is None:
            return
        for entry in self._entries(JournalFilter(endpoint=reports.orders_endpoint), limit=LISTINGS_MAX):
            if entry["reply"] is None:
                continue
            try:
                page = reports.parse_orders(base64.b64decode(entry["reply"]["body_b64"]))
            except CoinslotError:
                continue
            if any(row.order_id == order.order_id for row in page.orders):
                yield {**_crossed(entry), "title": f"the backend finds the order by {entry['endpoint']}"}

    def _entries(self, wanted: JournalFilter, *, limit: int = ENTRIES_MAX) -> list[Entry]:
        return self._services.journal.entries(after=0, limit=limit, wanted=wanted)


def _event(lane: str, kind: str, title: str, *, at_s: float, **more: Any) -> Event:
    told = {name: value for name, value in more.items() if value is not None}
    return {
        "at_s": at_s,
        "lane": lane,
        "kind": kind,
        "title": title,
        "refused": False,
        "future": False,
        **told,
    }


def _moved(event: OrderEvent) -> Event:
    title = _TITLES.get(event.move, event.move)
    if event.forced:
        title += f", although that is illegal of an order that is {event.status_from}"
    return {
        **_event(
            "client" if event.move == "create" else "portal",
            event.move,
            title,
            at_s=event.at_s,
            schedule_at_s=event.schedule_s,
            move=event.move,
            forced=event.forced,
            cause=event.cause,
            delivery_id=event.facts.get("delivery_id"),
        ),
        "from": event.status_from,
        "to": event.status_to,
    }


def _answered(attempt: AttemptRecord, numbered: Mapping[str, Any]) -> Event:
    ack, reply = attempt["ack"], attempt["reply"]
    answered_s = attempt["at_s"] + attempt["elapsed_ms"] / 1000
    said = f"HTTP {reply['status']}" if reply else attempt["error"]
    event = _event(
        "backend",
        "reply",
        f"{'accepts' if ack['accepted'] else 'refuses'}: {said} after {attempt['elapsed_ms']:.0f} ms",
        at_s=answered_s,
        status=reply["status"] if reply else None,
        verdict={"code": ack["code"], "reason": ack["reason"]},
        **numbered,
    )
    return {**event, "refused": not ack["accepted"]}


def _crossed(entry: Entry) -> Event:
    """A journal entry as an event; refused is what was answered with an HTTP error or with no at all."""
    endpoint, reply = entry["endpoint"], entry["reply"]
    lane, kind, title = "backend", endpoint, f"the backend calls {endpoint}"
    if entry["dir"] == "control":
        kind, title = endpoint, f"control call {endpoint}"
        lane = "control"
        if endpoint in _CLIENT_CALLS:
            lane, (kind, title) = "client", _CLIENT_CALLS[endpoint]
    status = None if reply is None else reply["status"]
    event = _event(
        lane,
        kind,
        title,
        at_s=entry["at_s"],
        status=status,
        verdict=entry["verdict"],
        journal_seq=entry["seq"],
    )
    return {**event, "refused": status is None or status >= 400 or _says_no(entry)}


def _says_no(entry: Entry) -> bool:
    """Whether a portal answered a backend with one of its own codes of refusal."""
    verdict = entry["verdict"]
    if entry["dir"] != "in" or verdict is None or verdict["code"] is None:
        return False
    return not str(verdict["code"]).startswith("2")
