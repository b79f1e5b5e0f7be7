"""One order's life as a list of events in three lanes: client, portal, backend; and what is still to come.

The control API tells it where it can; else it is put together here from the order, its deliveries and what
the journal holds of it.
"""

from typing import Any

from coinslot_sandbox.page.facts import Desk

Event = dict[str, Any]
PAGE_MAX = 1000


def timeline(desk: Desk, detail: Any, deliveries: list[Any]) -> list[Event]:
    """The events of an order, oldest first, then what is to come; `refused` where somebody said no.

    detail      answer of GET /orders/{id}
    deliveries  details of its deliveries, attempts included
    """
    order = detail["order"]
    told = desk.api.find(f"/orders/{order['order_id']}/timeline")
    return told["events"] if told else _put_together(desk, order, deliveries) + _to_come(deliveries)


def _put_together(desk: Desk, order: Any, deliveries: list[Any]) -> list[Event]:
    found = _of_order(order) + [event for delivery in deliveries for event in _of_delivery(delivery)]
    entries = desk.api.get("/journal", order_id=order["order_id"], limit=PAGE_MAX)["entries"]
    found += [_of_entry(entry) for entry in entries if entry["dir"] != "out"]
    return sorted(found, key=lambda event: event["at_s"])


def _of_order(order: Any) -> list[Event]:
    told = [("created_at_s", "client", "ordered", f"Player {order['user_id']} orders {order['product_id']}")]
    told += [("paid_at_s", "portal", "paid", "Paid"), ("refunded_at_s", "portal", "refunded", "Refunded")]
    return [
        {"at_s": order[name], "lane": lane, "kind": kind, "title": title, "refused": False, "future": False}
        for name, lane, kind, title in told
        if order[name] is not None
    ]


def _of_delivery(delivery: Any) -> list[Event]:
    events: list[Event] = []
    if delivery["mode"] == "lost":
        title = f"Notification of {delivery['kind']} kept back"
        events.append({**_event(delivery, "portal", delivery["created_at_s"], title), "kind": "lost"})
    for attempt in delivery["attempts"]:
        title = f"Notification of {delivery['kind']}, attempt {attempt['attempt']}"
        reply = attempt["reply"]
        events.append(
            {
                **_event(delivery, "backend", attempt["at_s"], title),
                "kind": "attempt",
                "attempt": attempt["attempt"],
                "status": None if reply is None else reply["status"],
                "error": attempt["error"],
                "elapsed_ms": attempt["elapsed_ms"],
                "cause": attempt["cause"],
                "verdict": {"code": attempt["ack"]["code"], "reason": attempt["ack"]["reason"]},
                "refused": not attempt["ack"]["accepted"],
            }
        )
    return events


def _event(delivery: Any, lane: str, at_s: float, title: str) -> Event:
    known = {"delivery_id": delivery["delivery_id"], "refused": False, "future": False}
    return {"at_s": at_s, "lane": lane, "title": title, **known}


def _of_entry(entry: Any) -> Event:
    reply, is_ours = entry["reply"], entry["dir"] == "control"
    name = entry["endpoint"]
    event = {
        "at_s": entry["at_s"],
        "future": False,
        "lane": "control" if is_ours else "backend",
        "kind": "control" if is_ours else "call",
        "title": f"You: {name}" if is_ours else f"Backend calls {name}",
        "status": None if reply is None else reply["status"],
        "error": entry["error"],
        "elapsed_ms": None if is_ours else entry["elapsed_ms"],
        "verdict": entry["verdict"],
        "journal_seq": entry["seq"],
        "fault_id": entry["fault_id"],
    }
    return {**event, "refused": _is_refused(event)}


def _is_refused(event: Event) -> bool:
    status = event.get("status")
    code = (event["verdict"] or {}).get("code")
    refused = code is not None and not str(code).startswith("2")
    return bool(event.get("error")) or refused or (isinstance(status, int) and status >= 400)


def _to_come(deliveries: list[Any]) -> list[Event]:
    waiting = [item for item in deliveries if item["state"] == "pending" and item["next_at_s"] is not None]
    return [
        {
            **_event(delivery, "portal", delivery["next_at_s"], f"Next notification of {delivery['kind']}"),
            "kind": "next-attempt",
            "future": True,
            "attempt": delivery["attempts_made"] + 1,
        }
        for delivery in sorted(waiting, key=lambda item: item["next_at_s"])
    ]
