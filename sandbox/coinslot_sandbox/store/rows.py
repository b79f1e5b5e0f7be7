"""Rows to records and back; the only place that knows which column holds what."""

import json
from typing import Any

from coinslot_contracts.domain import Game, Order, Player
from sqlalchemy import RowMapping

from coinslot_sandbox.store.records import (
    Delivery,
    GameRecord,
    KeyRecord,
    OrderRecord,
    Product,
    WorkspaceRecord,
)

Row = RowMapping


def workspace_of(row: Row) -> WorkspaceRecord:
    """A row of `workspaces`."""
    return WorkspaceRecord(
        name=row["workspace"],
        seed=row["seed"],
        created_at_s=row["created_at_s"],
        ends_at_s=row["ends_at_s"],
        frozen_at_s=row["frozen_at_s"],
        schedule_offset_s=row["schedule_offset_s"],
        claims_offset_s=row["claims_offset_s"],
    )


def workspace_values(record: WorkspaceRecord) -> dict[str, Any]:
    """The columns of `workspaces`."""
    return {
        "workspace": record.name,
        "seed": record.seed,
        "created_at_s": record.created_at_s,
        "ends_at_s": record.ends_at_s,
        "frozen_at_s": record.frozen_at_s,
        "schedule_offset_s": record.schedule_offset_s,
        "claims_offset_s": record.claims_offset_s,
    }


def game_of(row: Row) -> GameRecord:
    """A row of `games`."""
    key = row["shared_key"]
    retry = json.loads(row["retry"])
    return GameRecord(
        portal=row["portal"],
        game=Game(
            game_id=row["game_id"],
            shared_key=None if key is None else key.encode(),
            callback_url=row["callback_url"],
            iap_enabled=row["iap_enabled"],
        ),
        retry=retry if isinstance(retry, str) else tuple(retry),
        timeout_s=row["timeout_s"],
        environments=tuple(json.loads(row["environments"])),
        ack_rule=row["ack_rule"],
        terminal_codes=tuple(json.loads(row["terminal_codes"])),
        previous_key=None if row["previous_key"] is None else row["previous_key"].encode(),
        is_default=row["is_default"],
    )


def game_values(record: GameRecord) -> dict[str, Any]:
    """The columns of `games`, without the workspace."""
    game = record.game
    return {
        "portal": record.portal,
        "game_id": game.game_id,
        "shared_key": None if game.shared_key is None else game.shared_key.decode(),
        "callback_url": game.callback_url,
        "iap_enabled": game.iap_enabled,
        "retry": json.dumps(record.retry),
        "timeout_s": record.timeout_s,
        "environments": json.dumps(record.environments),
        "ack_rule": record.ack_rule,
        "terminal_codes": json.dumps(record.terminal_codes),
        "previous_key": None if record.previous_key is None else record.previous_key.decode(),
        "is_default": record.is_default,
    }


def player_of(row: Row) -> Player:
    """A row of `players`."""
    return Player(user_id=row["user_id"], username=row["username"], picture_url=row["picture_url"])


def product_of(row: Row) -> Product:
    """A row of `products`."""
    return Product(product_id=row["product_id"], title=row["title"], price=row["price"])


def order_of(row: Row) -> OrderRecord:
    """A row of `orders`."""
    order = Order(
        order_id=row["order_id"],
        game_id=row["game_id"],
        user_id=row["user_id"],
        product_id=row["product_id"],
        created_at_s=row["created_at_s"],
        state=row["state"],
        paid_at_s=row["paid_at_s"],
        arrived_status=row["arrived_status"],
        refund_status=row["refund_status"],
        refunded_at_s=row["refunded_at_s"],
        external_id=row["external_id"],
        verify=row["verify"],
        consumed=row["consumed"],
        charged_back=row["charged_back"],
    )
    return OrderRecord(
        portal=row["portal"],
        environment=row["environment"],
        order=order,
        archived=row["archived"],
        forced=row["forced"],
    )


def order_values(record: OrderRecord) -> dict[str, Any]:
    """The columns of `orders`, without the workspace and the number."""
    order = record.order
    return {
        "order_id": order.order_id,
        "portal": record.portal,
        "environment": record.environment,
        "game_id": order.game_id,
        "user_id": order.user_id,
        "product_id": order.product_id,
        "state": order.state,
        "arrived_status": order.arrived_status,
        "refund_status": order.refund_status,
        "external_id": order.external_id,
        "verify": order.verify,
        "created_at_s": order.created_at_s,
        "paid_at_s": order.paid_at_s,
        "refunded_at_s": order.refunded_at_s,
        "consumed": order.consumed,
        "charged_back": order.charged_back,
        "forced": record.forced,
        "archived": record.archived,
        "listed": is_listed(record),
    }


def is_listed(record: OrderRecord) -> int:
    """1 where the portal's list of paid orders shows this order, else 0."""
    return int(record.order.state == "paid" and not record.archived)


def delivery_of(row: Row) -> Delivery:
    """A row of `deliveries`."""
    return Delivery(
        delivery_id=row["delivery_id"],
        number=row["number"],
        portal=row["portal"],
        game_id=row["game_id"],
        order_id=row["order_id"],
        user_id=row["user_id"],
        kind=row["kind"],
        url=row["url"],
        mode=row["mode"],
        state=row["state"],
        body=bytes(row["body"]),
        headers=tuple((name, value) for name, value in json.loads(row["headers"])),
        signature=row["signature"],
        retry_s=tuple(json.loads(row["retry"])),
        timeout_s=row["timeout_s"],
        attempts_made=row["attempts_made"],
        scheduled_made=row["scheduled_made"],
        next_at_s=row["next_at_s"],
        created_at_s=row["created_at_s"],
        held=row["held"],
        ack_rule=row["ack_rule"],
        terminal_codes=tuple(json.loads(row["terminal_codes"])),
        cause=row["cause"],
        waits_for=row["waits_for"],
        fault_id=row["fault_id"],
        due_s=row["due_s"],
    )


def delivery_values(delivery: Delivery) -> dict[str, Any]:
    """The columns of `deliveries`, without the workspace, the machine's time and the lease."""
    return {
        "delivery_id": delivery.delivery_id,
        "number": delivery.number,
        "portal": delivery.portal,
        "game_id": delivery.game_id,
        "order_id": delivery.order_id,
        "user_id": delivery.user_id,
        "kind": delivery.kind,
        "url": delivery.url,
        "mode": delivery.mode,
        "state": delivery.state,
        "body": delivery.body,
        "headers": json.dumps(delivery.headers),
        "signature": delivery.signature,
        "retry": json.dumps(delivery.retry_s),
        "timeout_s": delivery.timeout_s,
        "attempts_made": delivery.attempts_made,
        "scheduled_made": delivery.scheduled_made,
        "next_at_s": delivery.next_at_s,
        "created_at_s": delivery.created_at_s,
        "held": delivery.held,
        "ack_rule": delivery.ack_rule,
        "terminal_codes": json.dumps(delivery.terminal_codes),
        "cause": delivery.cause,
        "waits_for": delivery.waits_for,
        "fault_id": delivery.fault_id,
    }


def key_of(row: Row) -> KeyRecord:
    """A row of `keys`."""
    return KeyRecord(
        kid=row["kid"],
        shown_kid=row["shown_kid"],
        number=row["number"],
        kind=row["kind"],
        algorithm=row["algorithm"],
        material=row["material"],
        signs=row["signs"],
        published=row["published"],
        retired=row["retired"],
        is_extra=row["is_extra"],
        publish_at_s=row["publish_at_s"],
    )


def key_values(record: KeyRecord) -> dict[str, Any]:
    """The columns of `keys`, without workspace and portal."""
    return {
        "kid": record.kid,
        "shown_kid": record.shown_kid,
        "number": record.number,
        "kind": record.kind,
        "algorithm": record.algorithm,
        "material": record.material,
        "signs": record.signs,
        "published": record.published,
        "retired": record.retired,
        "is_extra": record.is_extra,
        "publish_at_s": record.publish_at_s,
    }
