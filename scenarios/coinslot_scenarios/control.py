"""The automatic positive control: a negative step proves something only if its valid twin is accepted.

Runs before and after every negative step; under a fault for all calls both wait until it is healed or the
item ends. A control that fails makes the check inconclusive. Control calls count in no assertion.
"""

from collections.abc import Callable, Mapping

from coinslot_contracts.portal import discover

from coinslot_scenarios.answers import Answer
from coinslot_scenarios.assertions.answer import NO, YES
from coinslot_scenarios.item import ItemRun, PlayerRun
from coinslot_scenarios.kinds import verbs
from coinslot_scenarios.model import Step
from coinslot_scenarios.verbs import callback, login, purchase
from coinslot_scenarios.verbs.order import new_external_id
from coinslot_scenarios.verbs.player import create_player

Control = Callable[[ItemRun, Step], Answer]


def is_negative(step: Step) -> bool:
    """Whether a step sends what must be refused, or expects a refusal."""
    answers = [getattr(one.args, "answer", None) for one in step.expect if one.kind == "answer"]
    words = {answer for answer in answers if isinstance(answer, str)}
    if words & set(YES):
        return False
    return bool(words & set(NO)) or verbs()[step.verb].negative(step.args)


def control_before(run: ItemRun, step: Step) -> None:
    """The valid twin before a negative step, unless a cache must be cold or a fault holds."""
    if step.control != "around" or not is_negative(step):
        return
    if _faulty(run):
        run.waiting_controls.append(step)
        return
    _play(run, step, "before")


def control_after(run: ItemRun, step: Step) -> None:
    """The valid twin after a negative step."""
    if step.control == "off" or not is_negative(step):
        return
    if _faulty(run):
        run.waiting_controls.append(step)
        return
    _play(run, step, "after")


def release_controls(run: ItemRun) -> None:
    """Play the controls that had to wait for a fault to end; called after `heal` and at the item's end."""
    if _faulty(run):
        return
    while run.waiting_controls:
        _play(run, run.waiting_controls.pop(0), "after the fault")


def _faulty(run: ItemRun) -> bool:
    return any(fault.for_all for fault in run.faults.values())


def _play(run: ItemRun, step: Step, when: str) -> None:
    if step.verb not in _CONTROLS:
        return
    play, what = _CONTROLS[step.verb]
    first = run.world.journal.mark()
    answer = play(run, step)
    run.control_windows.append((first, run.world.journal.mark()))
    whom = f", user {answer.user_id}" if answer.user_id is not None else ""
    if answer.accepted:
        run.controls.append(f"{what} {when}: accepted{whom}")
        return
    run.controls.append(f"{what} {when}: REFUSED - {answer.shown}")
    run.doubts.append(f"control {when} the step failed: a {what} was refused ({answer.shown})")


def _login(run: ItemRun, step: Step) -> Answer:
    player = run.players[step.args.player]  # type: ignore[attr-defined]
    args = login.Args(player=player.name)
    answer = login.log_in(run, player, args, hostile=False)[0]
    run.record("control: valid login of the same player", at_s=answer.at_s)
    return answer


def _callback(run: ItemRun, step: Step) -> Answer:
    order_id = _companion_order(run, portal=run.portal.name)
    body = callback.Body(encode=_encoder(step))
    args = callback.Args(order="companion", type="pay", body=body)
    answer = callback.send_callback(run, order_id, args, hostile=False)[0]
    run.record("control: valid notification of another order", order_id=order_id, at_s=answer.at_s)
    return answer


def _purchase(run: ItemRun, step: Step) -> Answer:
    portal = run.orders[step.args.order].portal  # type: ignore[attr-defined]
    order_id = _companion_order(run, portal=portal, paid=True)
    args = purchase.Args(player="companion", order="companion")
    answer = purchase.hand_over(run, _companion(run), order_id, args, portal=portal)[0]
    run.record("control: valid purchase of another player", order_id=order_id, at_s=answer.at_s)
    return answer


def _encoder(step: Step) -> str:
    written = step.args.body  # type: ignore[attr-defined]
    return written.encode if "encode" in written.model_fields_set else "compact"


def _companion_order(run: ItemRun, *, portal: str, paid: bool = False) -> str:
    companion = _companion(run)
    product_id = run.product_id(1, portal)
    external_id = None
    if discover()[portal].purchases is not None:
        external_id = new_external_id(run, companion, portal=portal, product_id=product_id)
    order_id = run.new_order_id()
    run.order_ids.append(order_id)
    run.control_orders.add(order_id)
    run.world.client.ensure_product(product_id)
    run.world.client.create_order(
        order_id=order_id,
        player=companion.user_id,
        product=product_id,
        portal=portal,
        game=run.game_id(portal),
        external_id=external_id,
        paid=paid,
        callback="manual",
    )
    return order_id


def _companion(run: ItemRun) -> PlayerRun:
    if run.companion is None:
        run.companion = create_player(run, "companion")
    return run.companion


_CONTROLS: Mapping[str, tuple[Control, str]] = {
    "login": (_login, "valid token"),
    "callback": (_callback, "valid notification"),
    "purchase": (_purchase, "valid purchase"),
}
"""Verb -> how its valid twin is played, and what that is called."""
