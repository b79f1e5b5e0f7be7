"""Which variant each portal speaks where its document is silent or contradicts itself.

The names and their variants are the portal's (`Portal.dialects`); here is only what was chosen of them.
"""

import threading
from collections.abc import Mapping
from typing import Any

from coinslot_contracts.clauses import clauses
from coinslot_contracts.dialects import Dialect, Speak
from coinslot_contracts.portal import Portal

from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.shop import Shop


class Dialects:
    """The choices of one workspace; kept in the store, read from memory."""

    def __init__(self, *, portals: Mapping[str, Portal], database: Database, shop: Shop) -> None:
        self._portals = portals
        self._database = database
        self._shop = shop
        self._lock = threading.Lock()
        with database.read() as connection:
            self._chosen = shop.list_dialects(connection)

    def get(self, portal: str, name: str) -> str | None:
        """The chosen variant, None for the default."""
        return self._chosen.get((portal, name))

    def speaker(self, portal: str) -> Speak:
        """What is chosen of one portal, asked anew each time."""
        return lambda name: self.get(portal, name)

    def choose(self, portal: str, choices: Mapping[str, str | None]) -> None:
        """Choose variants by name; None goes back to the default. Whoever calls has checked the names."""
        with self._lock:
            with self._database.write() as connection:
                for name, variant in choices.items():
                    self._shop.save_dialect(connection, portal, name, variant)
            kept = {
                key: value for key, value in self._chosen.items() if key[0] != portal or key[1] not in choices
            }
            new = {(portal, name): variant for name, variant in choices.items() if variant is not None}
            self._chosen = {**kept, **new}

    def forget(self) -> None:
        """Every portal speaks its defaults; the store was cleared already."""
        with self._lock:
            self._chosen = {}

    def known(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Portal -> name -> the variants with what each sends, and why there is a choice."""
        return {
            portal.name: {name: _described(dialect) for name, dialect in portal.dialects.items()}
            for portal in self._portals.values()
            if portal.dialects
        }

    def spoken(self) -> dict[str, dict[str, str]]:
        """Portal -> name -> the variant that is spoken now."""
        return {
            portal.name: {
                name: self.get(portal.name, name) or dialect.default
                for name, dialect in portal.dialects.items()
            }
            for portal in self._portals.values()
            if portal.dialects
        }


def _described(dialect: Dialect) -> dict[str, Any]:
    clause = clauses().get(dialect.clause)
    return {
        "default": dialect.default,
        "variants": dict(dialect.variants),
        "clause": dialect.clause,
        "says": "" if clause is None else clause.says,
    }
