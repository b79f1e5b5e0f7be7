"""Names inside a scenario: whatever a step refers to must have been named by an earlier one.

Players, orders, faults and steps share one set of names; templates may name those, the scenario's `let` and
the columns of its cases. Works on values as written, with the case filled in.
"""

from collections.abc import Mapping
from typing import Any

from coinslot_scenarios.grammar import Reader, entity_uses, expanded
from coinslot_scenarios.kinds import assertions, verbs
from coinslot_scenarios.problems import unknown
from coinslot_scenarios.templates import has_template, names_in
from coinslot_scenarios.yamldoc import Path_


class References:
    """One walk over the steps of one item, in their order."""

    def __init__(self, reader: Reader, values: Mapping[str, Any]) -> None:
        self._reader = reader
        self._names: dict[str, str] = dict.fromkeys(values, "value")
        self._single_products: dict[tuple[str, str], str] = {}

    def check(self, steps: Any, at: Path_) -> None:
        """Check every step against the names before it."""
        if not isinstance(steps, list):
            return
        for index, value in enumerate(steps):
            if isinstance(value, dict):
                self._step(value, (*at, index))

    def _step(self, value: Mapping[str, Any], at: Path_) -> None:
        name = next((key for key in value if key in verbs() and key != "expect"), "expect")
        verb = verbs()[name]
        raw = expanded(verb, value.get(name, {})) if name != "expect" else {}
        if isinstance(raw, dict):
            self._uses(verb, raw, (*at, name))
            self._templates(raw, (*at, name))
            if verb.binds and isinstance(raw.get("as"), str):
                self._bind(raw["as"], verb.binds, (*at, name, "as"))
            if verb.binds == "order":
                self._product(raw, (*at, name, "product"))
        if isinstance(value.get("as"), str):
            self._bind(value["as"], "step", (*at, "as"))
        self._expectations(value.get("expect"), name, (*at, "expect"))

    def _expectations(self, values: Any, verb: str, at: Path_) -> None:
        for index, value in enumerate(values if isinstance(values, list) else []):
            if not isinstance(value, dict):
                continue
            path = (*at, index)
            kind = next((kind for name, kind in assertions().items() if name in value), None)
            if kind is None:
                continue
            if kind.name == "answer" and verb in ("expect", "eventually", "throughout"):
                self._reader.report((*path, "answer"), "'answer' belongs to the step that asks: put it there")
            self._uses(kind, value, path)
            for member in kind.takes_steps:
                self._known(value.get(member), "step", (*path, member))
            for part in value.get(kind.name, []) if kind.name in ("same", "differ") else []:
                self._dotted(part, (*path, kind.name))
            self._templates(value, path)

    def _uses(self, row: Any, raw: Mapping[str, Any], at: Path_) -> None:
        for member, kind, name in entity_uses(row, raw):
            self._known(name, kind, (*at, member))

    def _known(self, name: Any, kind: str, path: Path_) -> None:
        if not isinstance(name, str) or has_template(name) or self._names.get(name) == kind:
            return
        known = [one for one, its_kind in self._names.items() if its_kind == kind]
        self._reader.report(path, unknown(kind, name, known), value=True)

    def _dotted(self, part: Any, path: Path_) -> None:
        if isinstance(part, str) and part.endswith(".user_id") and part.split(".")[0] not in self._names:
            self._reader.report(path, unknown("name", part.split(".")[0], self._names), value=True)

    def _templates(self, raw: Any, at: Path_) -> None:
        for path, name in names_in(raw):
            first = name.split(".")[0]
            if first not in self._names and path[:1] != ("expect",):
                self._reader.report((*at, *path), unknown("name", f"${{{name}}}", self._names), value=True)

    def _bind(self, name: str, kind: str, path: Path_) -> None:
        if name in self._names:
            self._reader.report(path, f"'{name}' is named twice", value=True)
        self._names[name] = kind

    def _product(self, raw: Mapping[str, Any], path: Path_) -> None:
        """The probe's rows name no order: two order groups of one player need two products."""
        player, product = raw.get("player"), raw.get("product")
        if not isinstance(player, str) or product is None:
            return
        key = (player, str(product))
        if key in self._single_products and self._probed():
            other = self._single_products[key]
            message = f"'{other}' has this player and product too, so 'granted' cannot tell them apart"
            self._reader.report(path, message, value=True)
        self._single_products[key] = str(raw.get("as"))

    def _probed(self) -> bool:
        steps = self._reader.document.value.get("steps", [])
        return any(
            isinstance(one, dict) and "granted" in one
            for step in steps
            if isinstance(step, dict) and isinstance(step.get("expect"), list)
            for one in step["expect"]
        )
