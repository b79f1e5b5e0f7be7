"""One call of the OpenAPI document, as a value; the tables of calls are made of these."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call of the document.

    body     name of its body's schema; all members may be left out where `body_optional`
    answers  status -> schema of the answer
    kind     media type of the answers
    texts    further media types in which the answer can be asked for, as plain text
    """

    method: str
    path: str
    summary: str
    answers: Mapping[int, dict[str, Any]]
    body: str | None = None
    body_optional: bool = False
    query: tuple[dict[str, Any], ...] = ()
    can_conflict: bool = False
    kind: str = "application/json"
    texts: tuple[str, ...] = ()

    @property
    def operation_id(self) -> str:
        """Its name in the document, which links use."""
        return f"{self.method} {self.path}"
