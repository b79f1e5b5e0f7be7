"""The settings of one sandbox, frozen; the only reader of the process's environment.

What the settings leave open (seed, token, game id, shared key) is decided at start and printed.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from coinslot_contracts.vocabulary import FAULT_PRESETS, RETRY_PRESETS

from coinslot_sandbox.delivery.addresses import CallbackPolicy, parse_network
from coinslot_sandbox.errors import SandboxStartError

TOKEN_VARIABLE = "COINSLOT_CONTROL_TOKEN"  # noqa: S105 - the name of a variable, not a token
PORT = 7711
CONTROL_PORT = 7712
SEED_MAX = 2**31 - 1
JOURNAL_ENTRIES_MIN = 100
JOURNAL_BYTES_MIN = 8 * 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """How one sandbox is to run.

    port, control_port   0 takes a free one
    seed                 whole number from 0; None draws one, or takes the store's
    store                a SQLite file that is kept, or a database URL; None is a temporary file
    game_id … callback_url  the default game of each portal that has callbacks
    control_token        None takes COINSLOT_CONTROL_TOKEN, else draws one
    fresh_keys           generate keys instead of taking them from the published pool
    allow_hosts          hosts that callbacks may go to, and by which the control port may be called
    preset               the faults that are laid at start and after a reset
    allow_cidrs          networks that callbacks may go to, as 203.0.113.0/24
    public_url           what the ready line and the environment block say instead of host and port
    journal_entries, journal_bytes  how much of each workspace's journal is kept
    """

    host: str = "127.0.0.1"
    port: int = PORT
    control_port: int = CONTROL_PORT
    seed: int | None = None
    store: Path | str | None = None
    game_id: str | None = None
    shared_key: str | None = field(default=None, repr=False)
    callback_url: str | None = None
    control_token: str | None = field(default=None, repr=False)
    fresh_keys: bool = False
    retry: str = "local"
    quiet: bool = False
    allow_hosts: tuple[str, ...] = ()
    allow_cidrs: tuple[str, ...] = ()
    public_url: str | None = None
    preset: str = "calm"
    journal_entries: int = 20_000
    journal_bytes: int = 128 * 1_048_576

    @property
    def callback_policy(self) -> CallbackPolicy:
        """Where callbacks may go; ValueError where a network is none."""
        networks = tuple(parse_network(text) for text in self.allow_cidrs)
        hosts = tuple(name.lower() for name in self.allow_hosts)  # as a URL's host is read
        return CallbackPolicy(hosts=hosts, networks=networks)


def check_settings(settings: SandboxSettings) -> None:
    """Raise SandboxStartError (exit code 2) for a setting that no sandbox can run with."""
    for name in ("port", "control_port"):
        number = getattr(settings, name)
        if not 0 <= number <= 65_535:
            raise SandboxStartError(f"{name} {number} is no port; take one from 0 to 65535", 2)
    if settings.seed is not None and not 0 <= settings.seed <= SEED_MAX:
        raise SandboxStartError(f"seed {settings.seed} is out of range; take one from 0 to {SEED_MAX}", 2)
    if settings.journal_entries < JOURNAL_ENTRIES_MIN or settings.journal_bytes < JOURNAL_BYTES_MIN:
        raise SandboxStartError(
            f"a journal of {settings.journal_entries} entries and {settings.journal_bytes} bytes keeps too "
            f"little; take at least {JOURNAL_ENTRIES_MIN} entries and {JOURNAL_BYTES_MIN} bytes",
            2,
        )
    if settings.retry not in RETRY_PRESETS:
        known = ", ".join(RETRY_PRESETS)
        raise SandboxStartError(f"there is no retry preset {settings.retry!r}; take one of {known}", 2)
    if settings.preset not in FAULT_PRESETS:
        known = ", ".join(FAULT_PRESETS)
        raise SandboxStartError(f"there is no preset {settings.preset!r}; take one of {known}", 2)
    if settings.game_id is not None and not _is_game_id(settings.game_id):
        raise SandboxStartError(f"game id {settings.game_id!r} is no whole number; take one like 1220", 2)
    try:
        policy = settings.callback_policy
    except ValueError as error:
        raise SandboxStartError(f"--allow-cidr: {error}; write a network like 203.0.113.0/24", 2) from None
    _check_public_url(settings.public_url)
    if settings.callback_url is not None:
        problem = policy.problem(settings.callback_url)
        if problem is not None:
            raise SandboxStartError(
                f"callbacks may not go to {settings.callback_url}: {problem}; "
                "take a loopback or private address, or add --allow-host HOST or --allow-cidr NETWORK",
                2,
            )


def _check_public_url(url: str | None) -> None:
    try:
        parts = urlsplit(url or "http://localhost")
        is_base = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.query
        is_base = is_base and not parts.fragment and (parts.port is None or parts.port > 0)
    except ValueError:
        is_base = False
    if not is_base:
        raise SandboxStartError(
            f"--public-url {url} is no base URL; write it like https://coinslot.staging.example", 2
        )


def _is_game_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18 and (text == "0" or text[0] != "0")


def control_token(settings: SandboxSettings, environment: Mapping[str, str] | None = None) -> str:
    """The token of the control port: from the settings, else the environment, else a new one."""
    known = os.environ if environment is None else environment
    return settings.control_token or known.get(TOKEN_VARIABLE) or secrets.token_urlsafe(24)


def draw_seed() -> int:
    """A seed for a sandbox that was given none; it is printed, so that the run can be repeated."""
    return secrets.randbelow(1_000_000)
