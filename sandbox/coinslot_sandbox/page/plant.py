"""What surrounds orders: what a delivery can be told, the environment block, faults and clock."""

from typing import Any, Final

from coinslot_contracts.vocabulary import FAULT_PRESETS

from coinslot_sandbox.page.actions import Action, one
from coinslot_sandbox.page.facts import Desk

QUICK_FAULTS: Final = (
    ("answers 503", {"answer": 503}, "a portal that is overloaded"),
    ("hangs for 15 s", {"hang": 15}, "a portal that says nothing, then drops the connection"),
    ("resets the connection", {"reset": True}, "a portal that goes away in the middle"),
    (
        "answers an HTML page",
        {"answer": 200, "body": "<html>Maintenance</html>"},
        "a proxy's page with HTTP 200",
    ),
)
STEPS: Final = (("+1 min", 60), ("+1 h", 3600), ("+1 day", 86_400))
OFFSETS: Final = (("An hour behind", -3600), ("As the machine", 0), ("An hour ahead", 3600))
WAITING_MAX: Final = 100


def delivery_actions(delivery: Any) -> list[Action]:
    """The buttons of one delivery."""
    name = delivery["delivery_id"]
    path = f"/deliveries/{name}"
    blocked = None if delivery["url"] is not None else "it was recorded while the game had no callback URL"
    exact = one(
        "Resend exact",
        "POST",
        f"{path}/resend",
        says="the same bytes and the same signature once more",
        blocked=blocked,
        tone="main",
    )
    rebuilt = one(
        "Resend rebuilt",
        "POST",
        f"{path}/resend",
        {"mode": "rebuild"},
        says="made anew from the order as it is now, and signed anew",
        blocked=blocked,
    )
    order = delivery["order_id"]
    hold = one(
        "Hold the order's",
        "POST",
        "/deliveries/hold",
        {"order": order},
        says="nothing of it goes out by itself",
    )
    release = one("Release", "POST", "/deliveries/release", {"delivery": name}, says="let it go out")
    waiting = [release if delivery["held"] else hold] if delivery["state"] == "pending" else []
    cancel = one("Cancel", "POST", f"{path}/cancel", says="it is never sent by itself again", tone="risky")
    return [exact, rebuilt, *waiting, *([cancel] if delivery["state"] == "pending" else [])]


def diagnosis(delivery: Any) -> Action:
    """The button that names a backend's mistake; the signature is what a person types, else what was sent."""
    question = {
        "portal": delivery["portal"],
        "game": delivery["game_id"],
        "body_b64": delivery["body_b64"],
        "signature": delivery["signature_header"] or "",
    }
    return one(
        "Diagnose", "POST", "/diagnose/signature", question, says="name the mistake behind a signature"
    )


def faults(desk: Desk, _: str) -> dict[str, Any]:
    """Active faults with what they did, and the most wanted ones at a click."""
    listed = desk.api.get("/faults")
    endpoints = [endpoint.name for portal in desk.portals.values() for endpoint in portal.endpoints]
    return {
        "preset": listed["preset"],
        "seed": listed["seed"],
        "presets": [
            one(name.capitalize(), "POST", "/faults/preset", {"preset": name}, says=says)
            for name, says in FAULT_PRESETS.items()
        ],
        "faults": [
            {"fault": fault, "heal": one("Heal", "DELETE", f"/faults/{fault['fault_id']}")}
            for fault in listed["faults"]
        ],
        "cards": [
            {
                "endpoint": endpoint,
                "actions": [
                    one(label, "POST", "/faults", {"at": endpoint, "with": spec}, says=says)
                    for label, spec, says in QUICK_FAULTS
                ],
            }
            for endpoint in endpoints
        ],
    }


def clock(desk: Desk, _: str) -> dict[str, Any]:
    """What falls due next, and the ways to move both clocks; every screen knows where they are."""
    told = desk.api.get("/clock")
    is_frozen, next_at_s = told["schedule"]["frozen"], told["schedule"]["next_at_s"]
    nothing = None if next_at_s is not None else "nothing is waiting"
    waiting = desk.api.get("/deliveries", state="pending", limit=WAITING_MAX)["deliveries"]
    freeze = one("Freeze", "POST", "/clock/freeze", says="nothing is sent by itself", tone="main")
    resume = one("Resume", "POST", "/clock/resume", says="what has become due is sent", tone="main")
    return {
        "state_actions": [resume if is_frozen else freeze],
        "moves": [
            _advance(
                "Next event", {"next": True}, blocked=nothing, says="send what falls due next, and wait"
            ),
            *(_advance(label, {"by_s": by_s}) for label, by_s in STEPS),
            _advance("Run until idle", {"until_idle": True}, says="send everything that will fall due"),
        ],
        "claims": [
            one(label, "POST", "/clock/claims", {"offset_s": offset_s}) for label, offset_s in OFFSETS
        ],
        "waiting": sorted(waiting, key=lambda item: item["next_at_s"] or 0),
    }


def _advance(label: str, body: dict[str, Any], **more: Any) -> Action:
    return one(label, "POST", "/clock/advance", body, **more)
