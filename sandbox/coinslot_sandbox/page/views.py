"""The screens: for each its template and what it shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from coinslot_contracts.portal import Portal
from coinslot_contracts.vocabulary import RETRY_PRESETS

from coinslot_sandbox.page import facts, plant
from coinslot_sandbox.page.actions import ORDER, Action, Step, one
from coinslot_sandbox.page.facts import Desk
from coinslot_sandbox.page.order_actions import groups

START_ORDERS: Final = 8
PAGE_ORDERS: Final = 25
PAGE_DELIVERIES: Final = 30
PLAYERS_MAX: Final = 500
FORMATS: Final = ("dotenv", "json", "compose")
TABS: Final = (
    ("pending", "Pending"),
    ("delivered", "Delivered"),
    ("failed", "Failed"),
    ("lost", "Kept back"),
    ("cancelled", "Cancelled"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """One screen; `context` takes the desk and the subject, "" where it is about none."""

    template: str
    context: Callable[[Desk, str], dict[str, Any]]


def start(desk: Desk, _: str) -> dict[str, Any]:
    """Connection, shop and newest orders: where everything begins."""
    return {
        "ticks": facts.ticks(desk),
        "games": _games(desk),
        **_shop(desk),
        **_rows(desk, limit=START_ORDERS),
    }


def orders(desk: Desk, _: str) -> dict[str, Any]:
    """All orders, newest first, by pages."""
    return _rows(desk, limit=PAGE_ORDERS, before=desk.query.get("before"))


def order(desk: Desk, order_id: str) -> dict[str, Any]:
    """One order's timeline."""
    return {
        "row": _row(desk, desk.api.get(f"/orders/{order_id}"), *_names(desk)),
        "events": desk.api.get(f"/orders/{order_id}/timeline")["events"],
    }


def deliveries(desk: Desk, _: str) -> dict[str, Any]:
    """Deliveries of one state, newest first."""
    known = [name for name, _ in TABS]
    wanted = desk.query.get("state")
    counts = {name: len(_of_state(desk, name, limit=100)) for name in known}
    state = wanted if wanted in known else next((name for name in known if counts[name]), known[0])
    found = _of_state(desk, state, limit=PAGE_DELIVERIES)
    details = [desk.api.find(f"/deliveries/{delivery['delivery_id']}") or delivery for delivery in found]
    return {"tabs": TABS, "counts": counts, "state_name": state, "deliveries": details}


def delivery(desk: Desk, delivery_id: str) -> dict[str, Any]:
    """One delivery with one of its attempts."""
    detail = desk.api.get(f"/deliveries/{delivery_id}")
    attempts = detail["attempts"]
    wanted = desk.query.get("attempt", "")
    attempt = next((item for item in attempts if str(item["attempt"]) == wanted), None)
    return {
        "delivery": detail,
        "attempt": attempt or (attempts[-1] if attempts else None),
        "notices": desk.portals[detail["portal"]].notices,
        "actions": plant.delivery_actions(detail),
        "diagnose": plant.diagnosis(detail),
    }


def connect(desk: Desk, _: str) -> dict[str, Any]:
    """How a backend is told where the sandbox is, and how far it has come."""
    wanted = desk.query.get("format")
    chosen = wanted if wanted in FORMATS else FORMATS[0]
    return {
        "ticks": facts.ticks(desk),
        "games": _games(desk),
        "retries": RETRY_PRESETS,
        "formats": FORMATS,
        "format": chosen,
        "environment": desk.api.text("/env", format=chosen),
    }


def _of_state(desk: Desk, state: str, *, limit: int) -> list[Any]:
    found: list[Any] = desk.api.get("/deliveries", state=state, sort="newest", limit=limit)["deliveries"]
    return found


def _games(desk: Desk) -> list[dict[str, Any]]:
    games = desk.api.get("/games")["games"]
    return [
        {
            "game": game,
            "set": one("Save", "PUT", f"/games/{game['game_id']}", {"portal": game["portal"]}, tone="main"),
        }
        for game in games
    ]


def _shop(desk: Desk) -> dict[str, Any]:
    players = desk.api.get("/players")["players"][-PLAYERS_MAX:]
    products = desk.api.get("/products")["products"]
    sellers = [portal for portal in desk.portals.values() if portal.notices or portal.purchases]
    portal = next(
        (item for item in sellers if item.name == desk.query.get("portal")), sellers[0] if sellers else None
    )
    player = next((item for item in players if item["user_id"] == desk.query.get("player")), None)
    player = player or (players[-1] if players else None)
    shelf = [
        {"product": product, "actions": _purchases(portal, player, product)}
        for product in products
        if portal is not None and player is not None
    ]
    return {
        "players": players,
        "player": player,
        "sellers": sellers,
        "portal": portal,
        "products": products,
        "shelf": shelf,
        "lay_out": _lay_out(),
        "new_player": one("New player", "POST", "/players"),
        "new_product": one("New product", "POST", "/products"),
    }


def _lay_out() -> Action:
    steps = [Step(method="POST", path="/players", body={})]
    steps += [Step(method="POST", path="/products", body={}) for _ in range(3)]
    return Action(
        label="Lay out a small shop", steps=tuple(steps), tone="main", says="one player and three products"
    )


def _purchases(portal: Portal, player: Any, product: Any) -> tuple[Action, ...]:
    wish = {"portal": portal.name, "player": player["user_id"], "product": product["product_id"]}
    buy = one("Buy", "POST", "/orders", {**wish, "paid": True}, tone="main", says="ordered and paid")
    silent = one(
        "Pay without notifying",
        "POST",
        "/orders",
        {**wish, "paid": True, "callback": "lost"},
        says="paid, but the notification is kept back until it is resent",
    )
    pending = one(
        "Leave pending",
        "POST",
        "/orders",
        {**wish, "paid": True, "verify": "pending"},
        says="the client holds a signed purchase, but a verification says pending",
    )
    fail = Action(
        label="Fail",
        says="ordered, but the payment fails",
        steps=(
            Step(method="POST", path="/orders", body=wish),
            Step(method="POST", path=f"/orders/{ORDER}/fail", body={}),
        ),
    )
    return (buy, silent if portal.notices is not None else pending, fail)


def _names(desk: Desk) -> tuple[dict[str, str], dict[str, str]]:
    """Names of players and titles of products, by id."""
    players = {item["user_id"]: item["username"] for item in desk.api.get("/players")["players"]}
    return players, {item["product_id"]: item["title"] for item in desk.api.get("/products")["products"]}


def _rows(desk: Desk, *, limit: int, before: str | None = None) -> dict[str, Any]:
    found = facts.newest_orders(desk.api, limit=limit, before=before)
    names = _names(desk)
    last = found[-1]["order"]["order_id"] if len(found) == limit else None
    return {"rows": [_row(desk, detail, *names) for detail in found], "older": last}


def _row(desk: Desk, detail: Any, players: Mapping[str, str], products: Mapping[str, str]) -> dict[str, Any]:
    found = detail["order"]
    portal = desk.portals[found["portal"]]
    return {
        "order": found,
        "portal": portal,
        "player": players.get(found["user_id"], ""),
        "product": products.get(found["product_id"], ""),
        "tally": facts.tally(detail["deliveries"]),
        "groups": groups(detail, portal),
    }


SCREENS: Final[Mapping[tuple[str, bool], Screen]] = {
    ("start", False): Screen(template="start.html", context=start),
    ("orders", False): Screen(template="orders.html", context=orders),
    ("orders", True): Screen(template="order.html", context=order),
    ("deliveries", False): Screen(template="deliveries.html", context=deliveries),
    ("deliveries", True): Screen(template="delivery.html", context=delivery),
    ("connect", False): Screen(template="connect.html", context=connect),
    ("clock", False): Screen(template="clock.html", context=plant.clock),
    ("faults", False): Screen(template="faults.html", context=plant.faults),
}
"""Name and whether it is about one thing -> the screen."""
