"""How a backend is connected: where each portal of a workspace is found, and the variables that say so.

The default workspace's portals live at the root with the documents' literal paths, and below their own path
as every other workspace's do.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from coinslot_contracts.portal import Portal

from coinslot_sandbox.services import DEFAULT, Services

FORMATS: Final = ("json", "dotenv", "compose")
ALLOW_TEST_KEYS: Final = {"COINSLOT_ALLOW_TEST_KEYS": "1"}
"""The keys are published test keys; the verifier refuses them without this, and no production sets it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Base URLs of the two ports as others reach them, without a slash at the end."""

    portal_url: str
    control_url: str

    def base_url(self, workspace: str, portal: Portal, environment: str) -> str:
        """Where an environment of a workspace's portal is found."""
        if workspace == DEFAULT and environment == portal.environments[0]:
            return self.portal_url
        return self.own_url(workspace, portal.face(environment))

    def own_url(self, workspace: str, face: str) -> str:
        """The address that names the workspace, whichever it is."""
        return f"{self.portal_url}/w/{workspace}/{face}"


def portal_members(services: Services, addresses: Addresses) -> dict[str, dict[str, str]]:
    """Portal -> its addresses, and the id and shared key of its default game where it has games."""
    return {name: _member(services, addresses, name) for name in services.ground.portals}


def environment_block(
    services: Services, addresses: Addresses, environment: str | None = None
) -> dict[str, str]:
    """The variables with which a backend finds this workspace.

    environment  of the portals; one that a portal does not have, or None, is its default one
    """
    block: dict[str, str] = {}
    for name, portal in services.ground.portals.items():
        block |= portal.environment(_member(services, addresses, name, environment))
    return {**block, **ALLOW_TEST_KEYS}


def dump_environment(block: Mapping[str, str], kind: str) -> str:
    """The block as a .env file, a JSON object, or the piece of a compose file that sets it."""
    if kind == "json":
        return json.dumps(block, indent=2) + "\n"
    if kind == "dotenv":
        return "".join(f"{name}={_shell_word(value)}\n" for name, value in block.items())
    return "environment:\n" + "".join(f"  {name}: {_yaml_word(value)}\n" for name, value in block.items())


def workspace_member(services: Services, addresses: Addresses) -> dict[str, Any]:
    """A workspace as the control API shows it."""
    record = services.record
    return {
        "workspace": record.name,
        "seed": record.seed,
        "created_at_s": record.created_at_s,
        "ends_at_s": record.ends_at_s,
        "control_url": f"{addresses.control_url}/_control/v1/w/{record.name}",
        "portals": portal_members(services, addresses),
    }


def _member(
    services: Services, addresses: Addresses, name: str, environment: str | None = None
) -> dict[str, str]:
    portal = services.ground.portals[name]
    known = environment if environment in portal.environments else portal.environments[0]
    member = portal.addresses(addresses.base_url(services.workspace, portal, known))
    if portal.notices is None:
        return member
    game = services.games.default(name).game
    key = "" if game.shared_key is None else game.shared_key.decode()
    return {**member, "game_id": game.game_id, "shared_key": key}


def _shell_word(value: str) -> str:
    """A value as shells and .env readers take it; quoted where it holds more than plain characters."""
    if value and all(character.isalnum() or character in "-._~:/@%+=," for character in value):
        return value
    return "'" + value.replace("'", "'\\''") + "'"


def _yaml_word(value: str) -> str:
    """A JSON string is a YAML string; a compose file reads a dollar as a variable unless it is doubled."""
    return json.dumps(value.replace("$", "$$"), ensure_ascii=False)
