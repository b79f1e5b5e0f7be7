"""Real ids for generated calls about purchases, keys and dialects; see `sandbox_steering`."""

from typing import Any

from coinslot_testkit.purchase_shop import PORTAL, PurchaseShop
from coinslot_testkit.sandbox_steering import CONTROL, Steer, World
from schemathesis import Case


def _given(case: Case, *names: str) -> dict[str, Any]:
    """The generated members of these names."""
    return {name: case.body[name] for name in names if isinstance(case.body, dict) and name in case.body}


def _order(world: World) -> Any:
    return PurchaseShop(world.client).order(player=world.player)


def _change(world: World, case: Case) -> None:
    case.path_parameters = {"orderId": _order(world)["order_id"]}


def _purchase(world: World, case: Case) -> None:
    given = _given(case, "jwt")
    if isinstance(given.get("jwt"), dict) and given["jwt"].get("sign") == "retired":
        given = {}
    case.body = {"order": _order(world)["order_id"], **given}


def _rotation(world: World, case: Case) -> None:
    case.body = {"portal": PORTAL, "rotate": "overlap"}


def _entry(world: World, case: Case) -> None:
    case.body = {**_given(case, "kind"), "portal": PORTAL}


def _key(world: World, case: Case) -> None:
    case.path_parameters = {"kid": PurchaseShop(world.client).signing_kid()}


def _pending(world: World, case: Case) -> None:
    order = PurchaseShop(world.client).order(player=world.player, paid=False)
    case.path_parameters = {"orderId": order["order_id"]}


PURCHASE_STEERING: dict[str, Steer] = {
    f"POST {CONTROL}/orders/{{orderId}}/pend": _pending,
    f"POST {CONTROL}/orders/{{orderId}}/consume": _change,
    f"POST {CONTROL}/orders/{{orderId}}/chargeback": _change,
    f"POST {CONTROL}/orders/{{orderId}}/change": _change,
    f"POST {CONTROL}/purchases": _purchase,
    f"POST {CONTROL}/keys/rotate": _rotation,
    f"POST {CONTROL}/keys/extra": _entry,
    f"PUT {CONTROL}/keys/{{kid}}": _key,
}
