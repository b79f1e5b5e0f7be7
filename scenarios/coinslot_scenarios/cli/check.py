"""`coinslot check`: plays checks against a backend."""

import os
from pathlib import Path
from typing import Any

import click

_EXAMPLE = """\b
Examples:
  coinslot check --profile my-game.yaml
  coinslot check JG-PAY-05 --profile my-game.yaml -v
  coinslot check CLAUSE --profile my-game.yaml --level must
  coinslot check --list"""


@click.command("check", epilog=_EXAMPLE)
@click.argument("wanted", nargs=-1, metavar="[PATH|ID|CLAUSE]...")
@click.option(
    "--profile", type=click.Path(path_type=Path), metavar="FILE", help="How your backend is reached."
)
@click.option("-k", "word", metavar="TEXT", help="Only items whose name, title or tags hold this text.")
@click.option(
    "--tag", "tags", multiple=True, metavar="TAG", help="Only checks with this tag; may be repeated."
)
@click.option("--portal", metavar="NAME", help="Only checks of this portal.")
@click.option(
    "--level",
    type=click.Choice(["must", "should", "info"]),
    help="Only checks of this level or a stricter one.",
)
@click.option("--strict", is_flag=True, help="A warning counts as a failure.")
@click.option(
    "--require", metavar="CAP,...", help="Capabilities whose lack is a failure, such as probe,sync."
)
@click.option(
    "-j", "jobs", type=click.IntRange(1, 64), default=16, show_default=True, help="Items side by side."
)
@click.option("-x", "first", is_flag=True, help="Stop after the first failure.")
@click.option("--list", "listed", is_flag=True, help="List what would run, and stop.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    metavar="N",
    help="Repeat a run: the seed of its verdict line.",
)
@click.option("--salt", metavar="TEXT", help="Repeat the very ids too, against a backend that was reset.")
@click.option(
    "--slow-factor",
    type=click.FloatRange(0.1, 100),
    default=1.0,
    show_default=True,
    help="Stretch all waiting.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    default=Path("coinslot-report"),
    show_default=True,
    metavar="DIR",
    help="Where junit.xml and the logs go.",
)
@click.option(
    "--no-preflight", is_flag=True, help="Do not look first whether the backend is wired to the sandbox."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=7711, show_default=True, help="Portal port; 0 = free."
)
@click.option(
    "--control-port",
    type=click.IntRange(0, 65535),
    default=7712,
    show_default=True,
    help="Control port; 0 = free.",
)
@click.option("--sandbox-url", metavar="URL", help="A running sandbox's portal address.")
@click.option(
    "--control-url", metavar="URL", help="Its control address; the token comes from COINSLOT_CONTROL_TOKEN."
)
@click.option("--print-env", is_flag=True, help="Print the environment block for this profile, and stop.")
@click.option("-v", "verbose", is_flag=True, help="A line for every item, warnings in full.")
def command(**given: Any) -> int:
    """Play checks against the backend that a profile describes.

    Without arguments: the shipped suite. Prints the path of the JUnit report first, failures in full, and
    the verdict line last. Exit codes: 0 passed, 1 failed or inconclusive, 2 usage, 3 backend not reachable,
    4 nothing ran, 5 sandbox or harness.
    """
    from coinslot_scenarios.problems import InvalidFiles, UsageProblem

    try:
        return _command(given)
    except InvalidFiles as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
    except UsageProblem as error:
        click.echo(f"error: {error}", err=True)
    return 2


def _command(given: dict[str, Any]) -> int:
    from coinslot_scenarios.check import CheckOptions, run_check
    from coinslot_scenarios.report.terminal import Printer
    from coinslot_scenarios.select_items import Selection

    _check_portal(given["portal"])
    selection = Selection(
        wanted=given["wanted"],
        word=given["word"],
        tags=given["tags"],
        portal=given["portal"],
        level=given["level"],
    )
    if given["listed"]:
        return _list(selection)
    if given["profile"] is None:
        raise click.UsageError("name the backend's profile: --profile FILE", click.get_current_context())
    if given["print_env"]:
        return _print_env(given["profile"], given["port"])
    options = CheckOptions(
        profile=given["profile"],
        environ=dict(os.environ),
        selection=selection,
        report=given["report"],
        strict=given["strict"],
        require=tuple(part.strip() for part in (given["require"] or "").split(",") if part.strip()),
        jobs=given["jobs"],
        max_fail=1 if given["first"] else None,
        seed=given["seed"],
        salt=given["salt"],
        slow_factor=given["slow_factor"],
        preflight=not given["no_preflight"],
        port=given["port"],
        control_port=given["control_port"],
        sandbox_url=given["sandbox_url"],
        control_url=given["control_url"],
    )
    return run_check(options, Printer(environ=os.environ, verbose=given["verbose"])).exit_code


def _check_portal(name: str | None) -> None:
    from coinslot_contracts.portal import discover

    from coinslot_scenarios.problems import UsageProblem, unknown

    if name is not None and name not in discover():
        raise UsageProblem(unknown("portal", name, discover()))


def _list(selection: Any) -> int:
    from coinslot_scenarios.select_items import select

    items = select(selection)
    for item in items:
        alone = "  alone" if item.exclusive else ""
        click.echo(f"{item.name:34} {item.scenario.level:7} {item.scenario.title}{alone}")
    click.echo(f"{len(items)} items", err=True)
    return 0 if items else 4


def _print_env(profile: Path, port: int) -> int:
    from coinslot_scenarios.check import print_environment
    from coinslot_scenarios.profile import load_profile
    from coinslot_scenarios.secrets_mask import Masker

    loaded = load_profile(profile, environ=os.environ, masker=Masker())
    for line in print_environment(loaded, port=port):
        click.echo(line)
    return 0
