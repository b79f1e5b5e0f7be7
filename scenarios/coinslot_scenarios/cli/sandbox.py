"""`coinslot sandbox`: starts the impersonated portals."""

import os
from pathlib import Path
from typing import Any

import click

_EXAMPLE = """\b
Examples:
  coinslot sandbox
  coinslot sandbox --port 0 --control-port 0 --seed 7
  coinslot sandbox --store shop.sqlite --callback-url http://127.0.0.1:8080/notify
  coinslot sandbox --host 0.0.0.0 --public-url http://coinslot:7711 --allow-host coinslot"""


@click.command("sandbox", epilog=_EXAMPLE)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
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
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Makes names, ids and keys repeatable.")
@click.option(
    "--store",
    metavar="FILE",
    help="Keep everything in this SQLite file, or behind a postgresql+psycopg:// URL.",
)
@click.option("--game-id", metavar="ID", help="Id of the default game.")
@click.option(
    "--shared-key",
    metavar="KEY",
    envvar="COINSLOT_SHARED_KEY",
    help="Its shared key; better from the environment.",
)
@click.option("--callback-url", metavar="URL", help="Where its notifications go.")
@click.option(
    "--control-token-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Read the control token from a file.",
)
@click.option("--fresh-keys", is_flag=True, help="Generate signing keys instead of taking shipped test keys.")
@click.option(
    "--retry",
    default="local",
    show_default=True,
    metavar="PRESET",
    help="When failed notifications are repeated.",
)
@click.option(
    "--preset",
    default="calm",
    show_default=True,
    metavar="PRESET",
    help="What goes wrong by itself: calm, realistic or hostile; repeatable with --seed.",
)
@click.option(
    "--allow-host",
    "allow_hosts",
    multiple=True,
    metavar="HOST",
    help="Allow callbacks to this host too, and control calls under its name.",
)
@click.option(
    "--allow-cidr",
    "allow_cidrs",
    multiple=True,
    metavar="NETWORK",
    help="Allow callbacks to this network too, e.g. 203.0.113.0/24; metadata addresses stay refused.",
)
@click.option(
    "--public-url", metavar="URL", help="How others reach the portal port; printed in the ready line."
)
@click.option("--quiet", is_flag=True, help="No banner on stderr.")
def command(**given: Any) -> int:
    """Start the impersonated portals; one ready line on stdout, a banner on stderr.

    The control token comes from COINSLOT_CONTROL_TOKEN or a file, else one is made. Ends with Ctrl-C.
    """
    from coinslot_contracts.vocabulary import FAULT_PRESETS, RETRY_PRESETS
    from coinslot_sandbox import SandboxSettings, main
    from coinslot_sandbox.errors import SandboxStartError

    from coinslot_scenarios.problems import unknown

    for option, what, known in (
        ("retry", "retry preset", RETRY_PRESETS),
        ("preset", "preset of faults", FAULT_PRESETS),
    ):
        if given[option] not in known:
            raise click.UsageError(unknown(what, given[option], known), click.get_current_context())
    token = _token(given.pop("control_token_file"))
    try:
        return main(SandboxSettings(control_token=token, **given))
    except SandboxStartError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code


def _token(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get("COINSLOT_CONTROL_TOKEN") or None
    try:
        return file.read_text("utf-8").strip() or None
    except OSError as error:
        raise click.UsageError(
            f"{file} cannot be read: {error.strerror}", click.get_current_context()
        ) from None
