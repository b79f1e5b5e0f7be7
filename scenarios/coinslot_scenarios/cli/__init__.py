"""The command `coinslot`: click and the standard library here, everything else inside the commands.

A command whose extra is not installed names the extra and exits 2. Exit codes are those of the commands'
table.
"""

import difflib
import importlib.metadata
import signal
import sys
from collections.abc import Sequence
from types import TracebackType

import click

USAGE = 2
FAULT = 5
INTERRUPTED = 130
_EXTRAS = {
    "check": "harness",
    "clauses": "harness",
    "demo": "demo",
    "diagnose": "sandbox",
    "sandbox": "sandbox",
    "verifier": "sidecar",
    "verify": "",
}


class Commands(click.Group):
    """Commands that are loaded when they are called, and a suggestion for one that does not exist."""

    lazy: dict[str, str] = {  # noqa: RUF012 - the table of commands, never changed
        "sandbox": "coinslot_scenarios.cli.sandbox",
        "check": "coinslot_scenarios.cli.check",
        "verify": "coinslot_scenarios.cli.verify",
        "verifier": "coinslot_scenarios.cli.verifier",
        "diagnose": "coinslot_scenarios.cli.diagnose",
        "demo": "coinslot_scenarios.cli.demo",
        "clauses": "coinslot_scenarios.cli.clauses",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        module = self.lazy.get(cmd_name)
        if module is None:
            return None
        command: click.Command = importlib.import_module(module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if word not in self.lazy and not word.startswith("-"):
            close = difflib.get_close_matches(word, self.lazy, n=1)
            hint = f", did you mean '{close[0]}'?" if close else f"; there are {', '.join(self.lazy)}"
            raise click.UsageError(f"no command '{word}'{hint}", ctx)
        return super().resolve_command(ctx, args)


def _version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        click.echo(f"coinslot {version()}")
        ctx.exit()


def version() -> str:
    """The installed version, "0" where it runs without an installation."""
    try:
        return importlib.metadata.version("coinslot")
    except importlib.metadata.PackageNotFoundError:
        return "0"


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="First: coinslot demo",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version."
)
def cli() -> None:
    """Rehearse a game portal's logins and payments against your own backend."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code and prints no traceback for what people do."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if argv is None:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is ended too
        sys.excepthook = _crash
    try:
        result = cli.main(args=arguments, prog_name="coinslot", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return USAGE
    except click.UsageError as error:
        return _say(_usage(error))
    except click.ClickException as error:
        return _say(error.format_message(), error.exit_code)
    except click.exceptions.Exit as done:
        return done.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _say("interrupted", INTERRUPTED)
    except ModuleNotFoundError as error:
        return _say(_extra(error, arguments))
    return result if isinstance(result, int) else 0


def _crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A mistake of ours is 5, never the 1 that says something of a backend."""
    sys.__excepthook__(kind, error, trace)
    sys.exit(FAULT)


def _usage(error: click.UsageError) -> str:
    where = error.ctx.command_path if error.ctx else "coinslot"
    return f"{error.format_message().rstrip('.')} (see {where} --help)"


def _extra(error: ModuleNotFoundError, arguments: Sequence[str]) -> str:
    if (error.name or "").startswith("coinslot_"):
        raise error
    extra = _EXTRAS.get(next((one for one in arguments if one in _EXTRAS), ""), "") or "all"
    return f"this command needs more than the base install ({error.name}): pip install 'coinslot[{extra}]'"


def _say(text: str, code: int = USAGE) -> int:
    click.echo(f"error: {text}", err=True)
    return code
