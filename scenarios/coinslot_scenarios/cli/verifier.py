"""`coinslot verifier`: the verifier as an HTTP service beside a backend in any language."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

_TOKEN = "COINSLOT_VERIFIER_TOKEN"  # noqa: S105 - the name of a variable
_EXAMPLE = """\b
Examples:
  coinslot verifier --portal NAME
  COINSLOT_VERIFIER_TOKEN=... coinslot verifier --portal NAME --ledger sqlite:///shop.sqlite --processes 2
  curl -H "Authorization: Bearer $COINSLOT_VERIFIER_TOKEN" -d '{"token": "eyJ..."}' \\
       http://127.0.0.1:7713/v1/NAME/identity"""


@click.command("verifier", epilog=_EXAMPLE)
@click.option("--portal", "portals", multiple=True, metavar="NAME", help="Speak for this portal; repeatable.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=7713, show_default=True, help="Port; 0 = free."
)
@click.option(
    "--ledger",
    "ledger_url",
    metavar="URL",
    envvar="COINSLOT_LEDGER",
    help="Grant and revoke in this database: sqlite:///FILE or postgresql+psycopg://…",
)
@click.option(
    "--processes", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N", help="POSIX only."
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"Read the bearer token from a file instead of {_TOKEN}.",
)
@click.option(
    "--max-age",
    "max_age_s",
    type=click.IntRange(1),
    metavar="SECONDS",
    help="Refuse user tokens older by iat.",
)
@click.option(
    "--key-source",
    type=click.Choice(("always", "cached")),
    help="Ask for the key of user tokens at every login (as the portal's document says), or keep it for "
    "a while.  [default: COINSLOT_KEY_SOURCE, else always]",
)
@click.option(
    "--key-max-age",
    "key_max_age_s",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="How long keys may be kept, one day at most: those of purchases, and with `cached` that of user "
    "tokens.  [default: 300]",
)
@click.option(
    "--key-stale",
    "key_stale_s",
    type=click.FloatRange(0),
    metavar="SECONDS",
    help="How much longer kept keys may be used while the portal is down, one day at most.  [default: 0]",
)
@click.option("--verify-reply", metavar="NAME", help="Form of the portal's answer about a purchase.")
@click.option(
    "--allow-host", "allow_hosts", multiple=True, metavar="HOST", help="Answer under this name too."
)
def command(
    portals: tuple[str, ...],
    host: str,
    port: int,
    ledger_url: str | None,
    processes: int,
    token_file: Path | None,
    max_age_s: int | None,
    key_source: str | None,
    key_max_age_s: float | None,
    key_stale_s: float | None,
    verify_reply: str | None,
    allow_hosts: tuple[str, ...],
) -> int:
    """Verify tokens, notifications and purchases for a backend that asks over HTTP.

    Addresses, game and shared key come from the environment block. While the shared key is being replaced,
    the one before it is accepted too: set its variable with _PREVIOUS at the end. One ready line on stdout,
    JSON log on stderr. The bearer token comes from COINSLOT_VERIFIER_TOKEN or a file, else one is drawn and
    told in the ready line. Ends with SIGTERM or Ctrl-C after answering what runs. Exit codes: 0 stopped, 2
    usage, 3 port or ledger, 5 fault.
    """
    from coinslot_verifier.config import ConfigInvalid
    from coinslot_verifier.sidecar import SidecarSettings, SidecarStartError, main

    keys = {"key_max_age_s": key_max_age_s, "key_stale_s": key_stale_s}
    identity = {"max_age_s": max_age_s, "key_source": key_source}
    purchases = {"verify_reply": verify_reply}
    try:
        configs = tuple(_config(name, keys, identity, purchases) for name in portals)
        settings = SidecarSettings(
            configs=configs,
            host=host,
            port=port,
            token=_token(token_file),
            ledger_url=ledger_url,
            processes=processes,
            allow_hosts=allow_hosts,
        )
        return main(settings)
    except ConfigInvalid as error:
        raise click.UsageError(str(error), click.get_current_context()) from None
    except SidecarStartError as error:
        if error.exit_code == 2:
            raise click.UsageError(str(error), click.get_current_context()) from None
        click.echo(f"error: {error}", err=True)
        return error.exit_code


def _config(portal: str, keys: dict[str, Any], identity: dict[str, Any], purchases: dict[str, Any]) -> Any:
    """The environment block with what the command line says of keys, user tokens and purchases."""
    from coinslot_verifier.config import VerifierConfig

    config = VerifierConfig.from_env(os.environ, portal=portal)
    wished = {
        **keys,
        **(identity if config.definition.identity else {}),
        **(purchases if config.definition.purchases else {}),
    }
    return replace(config, **{name: value for name, value in wished.items() if value is not None})


def _token(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get(_TOKEN) or None
    try:
        text = file.read_text("utf-8").strip()
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise click.UsageError(f"{file} cannot be read: {reason}", click.get_current_context()) from None
    if not text:
        raise click.UsageError(f"{file} is empty", click.get_current_context())
    return text
