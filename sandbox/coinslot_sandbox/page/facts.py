"""What the screens show, read through the control API and put together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from coinslot_contracts.portal import Portal

from coinslot_sandbox.page.api import Api

NEWEST: Final = 2**62 - 1
"""After this number nothing has come yet; asking for it tells the newest number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a screen is made from."""

    api: Api
    portals: Mapping[str, Portal]
    query: Mapping[str, str]


def workspaces(api: Api) -> list[str]:
    """Every workspace's name, oldest first."""
    return [item["workspace"] for item in api.get("/workspaces")["workspaces"]]


def newest_orders(api: Api, *, limit: int, before: str | None = None) -> list[Any]:
    """The newest orders, each with its deliveries."""
    orders = api.get("/orders", sort="newest", limit=limit, after=before)["orders"]
    details = (api.find(f"/orders/{order['order_id']}") for order in orders)
    return [detail for detail in details if detail is not None]


def tally(deliveries: list[Any]) -> dict[str, Any]:
    """How an order's deliveries stand: how many are in each state, and when the next attempt is due."""
    counts: dict[str, int] = {}
    for delivery in deliveries:
        counts[delivery["state"]] = counts.get(delivery["state"], 0) + 1
    due = [
        delivery["next_at_s"]
        for delivery in deliveries
        if delivery["state"] == "pending" and delivery["next_at_s"] is not None
    ]
    return {"counts": counts, "next_at_s": min(due, default=None)}


def ticks(desk: Desk) -> list[dict[str, Any]]:
    """How far a backend has come: it fetched a key, answered a callback, reported or verified."""
    portals = desk.portals.values()
    keys = [
        part.key_endpoint
        for portal in portals
        for part in (portal.identity, portal.purchases)
        if part is not None
    ]
    reports = [portal.reports.arrived_endpoint for portal in portals if portal.reports is not None]
    reports += [portal.purchases.verify_endpoint for portal in portals if portal.purchases is not None]
    return [
        {
            "title": "Your backend fetched a key",
            "at_s": _first_call(desk.api, keys),
            "teach": "It does so when it checks its first token or purchase: let a player log in.",
            "names": keys,
        },
        {
            "title": "Your backend answered a callback",
            "at_s": _first_answer(desk.api),
            "teach": "Set the callback URL, then buy something: the notification shows under Deliveries.",
            "names": ["delivery"],
        },
        {
            "title": "Your backend reported or verified an order",
            "at_s": _first_call(desk.api, reports),
            "teach": "It does so after a grant; until then an order's arrivedStatus stays 0.",
            "names": reports,
        },
    ]


def _first_call(api: Api, endpoints: list[str]) -> float | None:
    found = [
        api.get("/journal", dir="in", endpoint=endpoint, limit=1)["entries"]
        for endpoint in sorted(set(endpoints))
    ]
    return min((entries[0]["at_s"] for entries in found if entries), default=None)


def _first_answer(api: Api) -> float | None:
    entries = api.get("/journal", dir="out", endpoint="delivery", limit=20)["entries"]
    return next((entry["at_s"] for entry in entries if entry["reply"] is not None), None)
