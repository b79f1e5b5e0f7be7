"""Builds the surroundings of a run and takes them down again: sandbox, backend, game settings, journal.

The ready line is the only truth about addresses. Knows portals as values; what each needs is in its section
of the profile.
"""

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coinslot_contracts.portal import discover

from coinslot_scenarios.backend import Backend
from coinslot_scenarios.client import ControlClient
from coinslot_scenarios.durations import parse_duration
from coinslot_scenarios.journal import Journal
from coinslot_scenarios.launch import Process, StartFailed, start_sandbox, wait_for_backend
from coinslot_scenarios.problems import UsageProblem
from coinslot_scenarios.profile import Profile
from coinslot_scenarios.secrets_mask import Masker
from coinslot_scenarios.world import GameAccess, World

TOKEN_VARIABLE = "COINSLOT_CONTROL_TOKEN"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How a run is to be set up.

    sandbox_url, control_url   a sandbox that runs already; None starts one on `port` and `control_port`
    environ                    where the control token is, and what a started backend inherits
    backend_env                more environment for a started backend
    """

    seed: int
    environ: Mapping[str, str] = field(repr=False)
    salt: str = field(default_factory=lambda: secrets.token_hex(4))
    port: int = 7711
    control_port: int = 7712
    sandbox_url: str | None = None
    control_url: str | None = None
    slow_factor: float = 1.0
    jobs: int = 16
    backend_env: Mapping[str, str] = field(default_factory=dict)


@contextlib.contextmanager
def open_world(profile: Profile, wishes: Wishes, *, logs: Path, masker: Masker) -> Iterator[World]:
    """Everything running and registered; taken down in reverse order, whatever happens.

    errors   SandboxFault, StartFailed (the backend), UsageProblem
    """
    with contextlib.ExitStack() as stack:
        ready, control_url, token = _sandbox(profile, wishes, logs, stack)
        masker.add(token)
        client = ControlClient(control_url=control_url, token=token, connections=2 * wishes.jobs + 4)
        stack.callback(client.close)
        games, environment = _games(profile, client, ready)
        masker.add(*(game.shared_key for game in games.values()))
        backend = Backend(profile, masker)
        if profile.shape.start is not None:
            env = {**_inherited(wishes.environ), **environment, **wishes.backend_env}
            stack.enter_context(_started_backend(profile, backend, env, logs))
        journal = Journal(client)
        journal.start()
        stack.callback(journal.stop)
        yield World(
            profile=profile,
            client=client,
            backend=backend,
            journal=journal,
            masker=masker,
            games=games,
            control_url=control_url,
            environment=environment,
            seed=wishes.seed,
            salt=wishes.salt,
            slow_factor=wishes.slow_factor,
        )


def environment_block(profile: Profile, members: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The environment block for a backend, from each portal's addresses with the profile's game and key."""
    block: dict[str, str] = {}
    for name, portal in discover().items():
        section = profile.portals.get(name)
        member = dict(members.get(name, {}))
        if section is not None and section.game_id is not None:
            member["game_id"] = section.game_id
        if section is not None and section.shared_key is not None:
            member["shared_key"] = section.shared_key
        with contextlib.suppress(KeyError):
            block |= portal.environment(member)
    return block | {"COINSLOT_ALLOW_TEST_KEYS": "1"}


def _sandbox(
    profile: Profile, wishes: Wishes, logs: Path, stack: contextlib.ExitStack
) -> tuple[dict[str, Any], str, str]:
    written = profile.shape.sandbox
    control_url = wishes.control_url or (written.control_url if written else None)
    if control_url is None:
        ports = ["--port", str(wishes.port), "--control-port", str(wishes.control_port)]
        process, ready = start_sandbox(
            [*ports, "--seed", str(wishes.seed), "--quiet"], log=logs / "sandbox.log"
        )
        stack.callback(process.stop)
        return ready, ready["control_url"], ready["control_token"]
    token = (written.control_token if written else None) or wishes.environ.get(TOKEN_VARIABLE)
    if not token:
        raise UsageProblem(f"the running sandbox's control token is not known: set {TOKEN_VARIABLE}")
    url = wishes.sandbox_url or (written.url if written else None)
    if url is None:
        raise UsageProblem("--control-url needs --sandbox-url beside it")
    ready = {name: dict(portal.addresses(url)) for name, portal in discover().items()}
    return ready, control_url, token


def _games(
    profile: Profile, client: ControlClient, ready: Mapping[str, Any]
) -> tuple[dict[str, GameAccess], dict[str, str]]:
    """Register products, dialects and games; returns the games, and the environment block."""
    games: dict[str, GameAccess] = {}
    members: dict[str, dict[str, str]] = {}
    for name, section in profile.portals.items():
        member = dict(ready.get(name, {}))
        for product in section.products:
            client.ensure_product(product)
        if "verify_reply" in discover()[name].dialects:
            client.choose_dialects(name, verify_reply=section.verify_reply)
        if discover()[name].notices is None:
            members[name] = member
            continue
        game_id = section.game_id or member.get("game_id") or _default_game(client, name)
        url = profile.callback_url(name)
        settings = {
            "portal": name,
            "shared_key": section.shared_key,
            "callback_url": url,
            "iap_enabled": True,
        }
        game = client.put_game(game_id, **settings)
        games[name] = GameAccess(game_id=game_id, shared_key=game["shared_key"], callback_url=url)
        members[name] = {**member, "game_id": game_id, "shared_key": game["shared_key"]}
    return games, environment_block(profile, members)


def _default_game(client: ControlClient, portal: str) -> str:
    """The first game of a portal in a sandbox that ran already."""
    found = [str(game["game_id"]) for game in client.games() if game["portal"] == portal]
    if not found:
        raise UsageProblem(
            f"the running sandbox has no game of {portal}: write {portal}.game_id in the profile"
        )
    return found[0]


@contextlib.contextmanager
def _started_backend(
    profile: Profile, backend: Backend, environment: Mapping[str, str], logs: Path
) -> Iterator[None]:
    start = profile.shape.start
    assert start is not None
    env = {**environment, **start.env}
    if profile.port is not None:
        env["PORT"] = str(profile.port)
    cwd = (profile.file.parent / start.cwd).resolve()
    if not cwd.is_dir():
        raise StartFailed(f"the folder of start.cwd does not exist: {cwd}")
    process = Process(start.command, log=logs / "backend.log", env=env, cwd=cwd)
    try:
        wait_for_backend(
            process, alive=lambda: _alive(backend, start.health), timeout_s=parse_duration(start.timeout)
        )
        yield
    finally:
        process.stop()


def _inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """What a backend inherits: everything but the token that steers the sandbox."""
    return {name: value for name, value in environ.items() if name != TOKEN_VARIABLE}


def _alive(backend: Backend, health: str | None) -> bool:
    status = backend.reachable(health or "/").status
    return status is not None and (health is None or 200 <= status < 300)
