"""What happened around one item, in order: the runner's own record and the journal's entries about it.

Repeated lines are counted, long timelines cut in the middle; knows no verdict.
"""

from coinslot_scenarios.item import ItemRun
from coinslot_scenarios.journal import Entry

_LINES_MAX = 16
_TEXT_MAX = 150


def timeline(run: ItemRun, *, order_id: str | None, with_keys: bool) -> list[str]:
    """The lines; about one order where the failure is about one.

    with_keys   show when the key was fetched, though nothing tells for which item
    """
    rows = [
        (event.at_s, event.text)
        for event in run.events
        if order_id in (None, event.order_id) or not event.order_id
    ]
    mine = set(run.order_ids) - run.control_orders if order_id is None else {order_id}
    entries = run.world.journal.entries(
        lambda entry: entry.order_id in mine or (entry.order_id is None and entry.at_s >= run.began_s - 0.05),
        after=run.after_seq,
    )
    parts = (run.portal.identity, run.portal.purchases)
    key_endpoints = {part.key_endpoint for part in parts if part is not None}
    for entry in entries:
        is_key = entry.endpoint in key_endpoints
        if entry.order_id is not None or (with_keys and is_key) or (run.item.exclusive and not is_key):
            rows += _rows(entry)
    rows.sort(key=lambda row: row[0])
    return _cut(_counted([(f"{max(at_s - run.began_s, 0) * 1000:9.1f}", text) for at_s, text in rows]))


def _rows(entry: Entry) -> list[tuple[float, str]]:
    ended_s = entry.at_s + entry.elapsed_ms / 1000
    body = entry.request.body.decode("utf-8", "backslashreplace")
    if entry.dir == "out":
        sent = f"sandbox -> backend   {entry.request.method} {entry.request.target} {body}"
        got = f"backend -> sandbox   no answer: {entry.error}"
        if entry.reply is not None:
            answer = entry.reply.body.decode("utf-8", "backslashreplace")
            got = f"backend -> sandbox   HTTP {entry.reply.status} {answer}"
        return [(entry.at_s, sent), (ended_s, got)]
    judged = f"   => {entry.verdict_code}: {entry.verdict_reason}" if entry.verdict_code else ""
    short = entry.endpoint.partition(".")[2] or entry.endpoint
    said = _short(body or entry.request.target.partition("?")[2], 80)
    return [(entry.at_s, f"backend -> sandbox   {entry.request.method} {short} {said}{judged}")]


def _short(text: str, chars_max: int) -> str:
    return text if len(text) <= chars_max else text[: chars_max - 1] + "…"


def _counted(rows: list[tuple[str, str]]) -> list[str]:
    """Neighbours that say the same become one line with a count."""
    lines: list[str] = []
    last, count = None, 0
    for at, text in rows:
        shown = _short(text, _TEXT_MAX)
        if shown == last:
            count += 1
            lines[-1] = f"{lines[-1].split('   (x')[0]}   (x{count})"
            continue
        last, count = shown, 1
        lines.append(f"{at}  {shown}")
    return lines


def _cut(lines: list[str]) -> list[str]:
    if len(lines) <= _LINES_MAX:
        return lines
    head, tail = _LINES_MAX // 2, _LINES_MAX // 2 - 1
    return [*lines[:head], f"{'…':>9}  {len(lines) - head - tail} more", *lines[-tail:]]
