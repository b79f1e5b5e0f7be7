"""`coinslot demo`: the whole thing on one machine, offline: a good backend passes, a buggy one does not."""

import os
from pathlib import Path

import click

_EXAMPLE = """\b
Example:
  coinslot demo"""


@click.command("demo", epilog=_EXAMPLE)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="Repeat a run.")
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    default=Path("coinslot-report"),
    show_default=True,
    metavar="DIR",
    help="Where the reports go.",
)
def command(seed: int | None, report: Path) -> int:
    """Start sandbox and a good backend and run the suite; then show what a failure looks like.

    The last two lines are the report path and the verdict line of the good backend's run. Exit codes: 0
    when the good backend passes and the buggy one fails on the claimed check, 1 otherwise.
    """
    from coinslot_scenarios.demo import run_demo

    return run_demo(environ=dict(os.environ), seed=seed, report=report)
