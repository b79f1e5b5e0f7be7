"""Write docs/proof.md from what `make prove` left behind: counts, with their goals, the day and the commit.

`python tools/write_proof.py` reads the parts in `.prove` and pytest's report there. A part that is missing or
was proven at another commit is written as such, a goal that is missed as missed.
"""

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
PARTS = ROOT / ".prove"
PAGE = ROOT / "docs/proof.md"
KILL_PARTS, KILLS, ORDERS = 10, 200, 2_000
LEDGER_ORDERS = 10_000
REPLAYS, ATTEMPTS = 20, 960
HEAD = """# What was proven

Written by `make prove`; not edited by hand. Parts are kept in `.prove` and count for the commit they ran at,
so an interrupted run goes on where it was. A missed goal is written as missed.

"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(HEAD + _kills() + _ledger() + _replay() + _coverage() + _mutants() + _stories(), "utf-8")


def _kills() -> str:
    parts = _parts("kills")
    if not parts:
        return "## Kill series (T9)\n\nNot run yet.\n\n"
    found = [part["found"] for part in parts]
    total = Counter[str]()
    for one in found:
        total.update({name: value for name, value in one.items() if isinstance(value, int)})
    is_whole = len(parts) == KILL_PARTS and len({part["commit"] for part in parts}) == 1
    rows = [
        ("kill -9 at random moments", f"{total['kills']:,}", f"{KILLS}", total["kills"] >= KILLS),
        (
            "orders paid, some of them refunded",
            f"{total['orders']:,}",
            f"{ORDERS:,}",
            total["orders"] >= ORDERS,
        ),
        (
            "notifications acknowledged in time at least once, of those owed",
            f"{total['once']:,} of {total['owed']:,}",
            "all",
            total["once"] == total["owed"] > 0,
        ),
        ("lost", f"{total['lost']}", "0", total["lost"] == 0),
        ("invented (arrived, never committed)", f"{total['invented']}", "0", total["invented"] == 0),
        (
            "refunds that first arrived after their pay was acknowledged",
            f"{total['order_kept']:,} of {total['refunds_seen']:,}",
            "all",
            total["order_kept"] == total["refunds_seen"],
        ),
        (
            "answered with success, yet not in the store",
            f"{total['forgotten']}",
            "0",
            total["forgotten"] == 0,
        ),
    ]
    seeds = ", ".join(str(one["seed"]) for one in found)
    took_s = sum(one["took_s"] for one in found)
    text = "## Kill series (T9)\n\n" + _table(rows, is_whole=is_whole)
    text += (
        f"\n{total['attempts']:,} attempts arrived; the backend refused or stalled {total['refused']:,} of "
        f"them. {total['unanswered']:,} control calls lost their answer to a kill; of these "
        f"{total['unanswered_committed']:,} had been committed, by what the order said after the restart.\n\n"
        f"{len(parts)} of {KILL_PARTS} parts, seeds {seeds}, {took_s:,.0f} s of runs in all. "
        f"{_when(parts)}\n\n"
    )
    return text


def _ledger() -> str:
    lines = ["## The ledger under kill -9 (T9)\n"]
    for database in ("sqlite", "postgresql"):
        parts = _parts(f"ledger-kills-{database}")
        if not parts:
            lines.append(f"{database}: not run yet.\n")
            continue
        total = Counter[str]()
        for part in parts:
            total.update({name: value for name, value in part["found"].items() if isinstance(value, int)})
        is_whole = len(parts) == KILL_PARTS and len({part["commit"] for part in parts}) == 1
        is_met = is_whole and all(part["found"]["is_good"] for part in parts)
        lines.append(
            f"{database}: {total['granted']:,} of {total['orders']:,} orders granted exactly once "
            f"(goal: {LEDGER_ORDERS:,}) under {total['kills']:,} kills; "
            f"{total['doubled']} doubled, {total['lost']} lost, {total['invented']} invented; "
            f"{total['settled']:,} of {total['refunds']:,} refunded orders settled; "
            f"{len(parts)} of {KILL_PARTS} parts, {'met' if is_met else 'not met'}.\n"
        )
    return "\n".join(lines) + "\n"


def _replay() -> str:
    parts = _parts("replay")
    if not parts:
        return "## Forty days of retries, replayed\n\nNot run yet.\n\n"
    found = parts[0]["found"]
    rows = [
        ("replays with one seed", f"{found['replays']}", f"{REPLAYS}", found["replays"] == REPLAYS),
        ("attempts an hour apart in each", f"{found['fired']}", f"{ATTEMPTS}", found["fired"] == ATTEMPTS),
        (
            "different sequences of requests, headers and all",
            f"{len(found['sent'])}",
            "1",
            len(found["sent"]) == 1,
        ),
        ("different answers of `advance`", f"{len(found['told'])}", "1", len(found["told"]) == 1),
    ]
    digest = found["sent"][0]
    text = "## Forty days of retries, replayed\n\n" + _table(rows, is_whole=True)
    return text + f"\nSeed {found['seed']}; SHA-256 of all that was sent: `{digest}`. {_when(parts)}\n\n"


def _coverage() -> str:
    parts = _parts("coverage")
    if not parts:
        return "## Branch coverage (T11)\n\nNot run yet.\n\n"
    found = parts[0]["found"]
    rows = [
        (
            f"{what} of contracts and verifier, taken by their own tests",
            f"{found[f'{what}_taken']:,} of {found[what]:,}",
            "all",
            found[f"{what}_taken"] == found[what],
        )
        for what in ("statements", "branches")
    ]
    named = f": {', '.join(f'`{place}`' for place in found['pragmas'])}" if found["pragmas"] else ""
    text = "## Branch coverage (T11)\n\n" + _table(rows, is_whole=found["is_good"])
    text += (
        f"\n{int(found['percent'] * 100) / 100:.2f} %, rounded down. `pragma: no cover`: "
        f"{len(found['pragmas'])}{named}. {found['excluded']:,} lines, blank ones included, are not "
        f"measured: what only type checkers read (`if TYPE_CHECKING`) and bodies that are `...`. "
        f"{_when(parts)}\n\n"
    )
    return text


def _mutants() -> str:
    parts = _parts("mutants")
    if not parts:
        return "## Mutants (T12)\n\nNot run yet.\n\n"
    text = (
        "## Mutants (T12)\n\nmutmut changes one small thing at a time; a mutant survives where no test "
        "notices. Each survivor is listed below with the reason why nobody could.\n\n"
        "| area | mutants | noticed | survived | of these without a reason | |\n|---|---|---|---|---|---|\n"
    )
    survivors = []
    for part in parts:
        found = part["found"]
        unexplained = [one for one in found["survivors"] if not one["reason"]]
        total = sum(found["counts"].values())
        noticed = total - found["unchecked"] - len(found["survivors"])
        verdict = "**missed**" if unexplained else "incomplete" if found["unchecked"] else "met"
        text += f"| {found['area']} | {total:,} | {noticed:,} | {len(found['survivors'])} "
        text += f"| {len(unexplained)} | {verdict} |\n"
        survivors += found["survivors"]
    text += f"\n{_when(parts)}\n\n"
    if survivors:
        text += "| survivor | change | why nobody can see it |\n|---|---|---|\n"
        text += "".join(_survivor(one) for one in survivors) + "\n"
    return text


def _survivor(one: dict[str, str]) -> str:
    name = one["name"].rpartition("__mutmut_")[0].removeprefix("src.")
    change = "<br>".join(
        f"`{line.replace('|', '&#124;')}`" for line in one["diff"].split("\n") if line.strip()
    )
    return f"| `{name}` ({one['hash']}) | {change} | {one['reason'] or '**no reason**'} |\n"


def _stories() -> str:
    report = PARTS / "junit.xml"
    if not report.exists():
        return "## All long tests\n\nNot run yet.\n"
    ran: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    for case in ElementTree.parse(report).getroot().iter("testcase"):  # noqa: S314 - the report is our own
        name = case.get("classname", "").removeprefix("tests.")
        outcomes = {child.tag for child in case}
        if "skipped" in outcomes:
            continue
        ran[name] += 1
        passed[name] += not outcomes & {"failure", "error"}
    rows = [
        (f"`{name}`", f"{passed[name]} of {ran[name]}", "all", passed[name] == ran[name])
        for name in sorted(ran)
    ]
    return "## All long tests\n\nThe last run, skipped ones left out.\n\n" + _table(rows, is_whole=True)


def _table(rows: list[tuple[str, str, str, bool]], *, is_whole: bool) -> str:
    lines = ["| what | counted | goal | |", "|---|---|---|---|"]
    for what, counted, goal, is_met in rows:
        verdict = "met" if is_met and is_whole else "incomplete" if is_met else "**missed**"
        lines.append(f"| {what} | {counted} | {goal} | {verdict} |")
    return "\n".join(lines) + "\n"


def _parts(name: str) -> list[dict[str, Any]]:
    """The parts of the newest commit that has any."""
    known = [json.loads(file.read_text("utf-8")) for file in sorted(PARTS.glob(f"{name}-*.json"))]
    here = [part for part in known if part["commit"].partition("+")[0] == _head()]
    return here or known


def _when(parts: list[dict[str, Any]]) -> str:
    days = ", ".join(sorted({part["day"] for part in parts}))
    commits = ", ".join(sorted({part["commit"][:12] + part["commit"][40:] for part in parts}))
    return f"Run on {days} at {commits}."


def _head() -> str:
    command = ["git", "rev-parse", "HEAD"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout.strip()


if __name__ == "__main__":
    main()
