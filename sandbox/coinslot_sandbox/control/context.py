"""What reading a control call must know beside its bytes: which portals there are and what each can do."""

from collections.abc import Mapping
from dataclasses import dataclass

from coinslot_contracts.portal import Portal

from coinslot_sandbox.control.reading import Members
from coinslot_sandbox.delivery.addresses import CallbackPolicy
from coinslot_sandbox.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What parsing must know beside the bytes."""

    portals: Mapping[str, Portal]
    callback_policy: CallbackPolicy

    @property
    def with_callbacks(self) -> list[str]:
        """Portals that have games, shared keys and callbacks."""
        return [name for name, portal in self.portals.items() if portal.notices is not None]

    @property
    def with_identity(self) -> list[str]:
        """Portals that sign user tokens."""
        return [name for name, portal in self.portals.items() if portal.identity is not None]

    def portal(self, members: Members, among: list[str]) -> str:
        """The portal that a body names, else the first that can be meant."""
        if not among:
            raise Problem(
                404, "portal-unknown", "no portal here can do this", remedy="see the ready line for portals"
            )
        return members.choice("portal", among) or among[0]

    def environment(self, members: Members, portal: str) -> str:
        """The environment of a portal that a body names, else the default one."""
        known = self.portals[portal].environments
        return members.choice("environment", known) or known[0]

    @property
    def environments(self) -> list[str]:
        """Every environment of every portal."""
        named = [name for portal in self.portals.values() for name in portal.environments]
        return list(dict.fromkeys(named))

    @property
    def with_purchases(self) -> list[str]:
        """Portals that sign purchases and verify them."""
        return [name for name, portal in self.portals.items() if portal.purchases is not None]

    @property
    def with_orders(self) -> list[str]:
        """Portals at which something can be bought, those with callbacks first."""
        others = [name for name in self.with_purchases if name not in self.with_callbacks]
        return [*self.with_callbacks, *others]

    @property
    def with_keys(self) -> list[str]:
        """Portals that sign anything."""
        return [
            name
            for name, portal in self.portals.items()
            if portal.identity is not None or portal.purchases is not None
        ]

    @property
    def endpoints(self) -> list[str]:
        """Full names of every endpoint."""
        return [endpoint.name for portal in self.portals.values() for endpoint in portal.endpoints]
