"""The first attempt of a delivery that the sandbox makes by itself, as an answer that assertions can read.

Waits on the journal, at most as long as an answer may take; knows nothing of schedules and retries.
"""

import time
from collections.abc import Mapping
from typing import Any

from coinslot_contracts.portal import discover

from coinslot_scenarios.answers import Answer, callback_answer
from coinslot_scenarios.item import ItemRun
from coinslot_scenarios.model import Step


def notice_needs(portal: str) -> set[str]:
    """The capability that a notification of this portal needs; none where the portal sends none."""
    return set() if discover()[portal].notices is None else {f"{portal}.callback"}


def first_answers(
    run: ItemRun, step: Step, delivery: Mapping[str, Any] | None, order_id: str
) -> list[Answer]:
    """The first attempt's answer, where the step expects one; else nothing, without waiting."""
    asked = any(assertion.kind == "answer" for assertion in step.expect)
    if delivery is None or not asked or delivery["mode"] != "scheduled":
        return []
    return [_first_answer(run, delivery["delivery_id"], order_id)]


def _first_answer(run: ItemRun, delivery_id: str, order_id: str) -> Answer:
    journal = run.world.journal
    deadline_s = time.monotonic() + (run.world.profile.shape.limits.answer_s + 5) * run.world.slow_factor
    while True:
        seen = journal.wire_seq
        detail = run.world.client.get_delivery(delivery_id)
        left_s = deadline_s - time.monotonic()
        if detail["attempts"] or left_s <= 0:
            break
        journal.wait_beyond(seen, wait_s=min(left_s, 1.0))
    if not detail["attempts"]:
        detail["attempts"] = [_never(detail, run)]
    notices = run.portal.notices
    assert notices is not None
    return callback_answer(
        detail["attempts"][0],
        notices=notices,
        order_id=order_id,
        url=detail["url"],
        outage=run.outage,
        hostile=False,
    )


def _never(detail: Mapping[str, Any], run: ItemRun) -> dict[str, Any]:
    request = {"method": "POST", "target": detail["url"], "headers": [], "body_b64": detail["body_b64"]}
    return {
        "request": request,
        "reply": None,
        "error": "the sandbox made no attempt in time",
        "elapsed_ms": run.world.profile.shape.limits.answer_s * 1000,
        "at_s": time.time(),
    }
