"""The impersonated portals: what a game's backend calls, and the plane that steers them.

Generic over `coinslot_contracts.portal.Portal`; no portal is named here. Importing this package is cheap:
the public names load their modules on first use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coinslot_sandbox.embedding import ControlRefused as ControlRefused
    from coinslot_sandbox.embedding import Workspace as Workspace
    from coinslot_sandbox.errors import SandboxStartError as SandboxStartError
    from coinslot_sandbox.process import main as main
    from coinslot_sandbox.sandbox import Sandbox as Sandbox
    from coinslot_sandbox.settings import SandboxSettings as SandboxSettings

__all__ = ["ControlRefused", "Sandbox", "SandboxSettings", "SandboxStartError", "Workspace", "main"]

_HOMES = {
    "ControlRefused": "coinslot_sandbox.embedding",
    "Workspace": "coinslot_sandbox.embedding",
    "Sandbox": "coinslot_sandbox.sandbox",
    "SandboxSettings": "coinslot_sandbox.settings",
    "SandboxStartError": "coinslot_sandbox.errors",
    "main": "coinslot_sandbox.process",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
