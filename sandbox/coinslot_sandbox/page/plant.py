"""What surrounds orders: what a delivery can be told, the environment block, faults and clock."""

from typing import Any, Final

from coinslot_sandbox.page.actions import Action, one
from coinslot_sandbox.page.facts import Desk

QUICK_FAULTS: Final = (
    ("answers 503", {"answer": 503}, "a portal that is overloaded"),
    ("hangs for 15 s", {"hang": 15}, "a portal that says nothing, then drops the connection"),
    ("resets the connection", {"reset": True}, "a portal that goes away in the middle"),
    ("answers an HTML page", {"answer": 200, "body": "<html>Maintenance</html>"}, "a proxy's page with HTTP 200"),
)


def delivery_actions(delivery: Any) -> list[Action]:
    """The buttons of one delivery."""
    path = f"/deliveries/{delivery['delivery_id']}"
    blocked = None if delivery["url"] is not None else "it was recorded while the game had no callback URL"
    return [
        one(
            "Resend exact",
            "POST",
            f"{path}/resend",
            says="the same bytes and the same signature once more",
            blocked=blocked,
            tone="main",
        )
    ]


def environment(desk: Desk) -> str:
    """The environment block of this workspace, as a dotenv file."""
    lines: dict[str, str] = {}
    for portal in desk.portals.values():
        member = desk.ready.get(portal.name)
        if member is not None:
            lines |= portal.environment(member)
    lines["COINSLOT_ALLOW_TEST_KEYS"] = "1"
    return "\n".join(f"{name}={value}" for name, value in lines.items())


def faults(desk: Desk, _: str) -> dict[str, Any]:
    """Active faults with what they did, and the most wanted ones at a click."""
    listed = desk.api.get("/faults")
    endpoints = [endpoint.name for portal in desk.portals.values() for endpoint in portal.endpoints]
    return {
        "preset": listed.get("preset"),
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
