"""The lines that a person sees when a sandbox has started: where it is, and a first thing to try."""

from typing import Final

from coinslot_contracts.vocabulary import FAULT_PRESETS

from coinslot_sandbox.sandbox import Sandbox

CALM: Final = "calm"


def banner(sandbox: Sandbox) -> str:
    """About eight lines for people."""
    ready, services = sandbox.ready, sandbox.services
    control = f"{ready['control_url']}/_control/v1"
    lines = [f"coinslot sandbox {ready['version']} is ready; it impersonates, it is nobody's real portal"]
    for name, portal in services.ground.portals.items():
        member = ready[name]
        addresses = ", ".join(dict.fromkeys(portal.addresses(_base_url(member)).values()))
        game = f", game {member['game_id']}" if "game_id" in member else ""
        key = f", signs with {services.rings[name].current.kid}" if name in services.rings else ""
        lines.append(f"  {portal.title:<9} {addresses}{game}{key} (a published test key, worth nothing)")
    store = ready["store"] or "temporary, removed at the end (--store FILE keeps it)"
    lines += [
        f"  page      {ready['control_url']}/?token={ready['control_token']}",
        f"  control   {control}  (OpenAPI: {control}/openapi.json)",
        f"  seed      {ready['seed']} (--seed {ready['seed']} gives the same ids, names and keys)",
        f"  store     {store}",
        f"  awkward   {_awkward(services.ground.settings.preset)}",
        f"  try       curl -s -X POST -H 'Authorization: Bearer {ready['control_token']}' {control}/players",
        "  Ctrl-C stops it",
    ]
    return "\n".join(lines)


def _awkward(preset: str) -> str:
    if preset == CALM:
        return "nothing: every answer is as documented until a fault is asked for"
    return f"preset {preset}: {FAULT_PRESETS[preset]}; the seed repeats it"


def _base_url(member: dict[str, str]) -> str:
    return next(value for name, value in member.items() if name.endswith("url"))
