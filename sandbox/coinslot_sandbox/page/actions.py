"""What a button does: one or more calls of the control API, and the same calls as curl.

A button that does something else than its curl cannot be written, because both are made of one value.
"""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from coinslot_contracts.json_bytes import parse_json

from coinslot_sandbox.page.api import BASE

ORDER = "{order}"
"""In the path of a later step: the id of the order that an earlier one made."""
TOKEN = "$COINSLOT_CONTROL_TOKEN"  # noqa: S105 - a variable's name, never the token
READ_ORDER = 'python3 -c \'import json, sys; print(json.load(sys.stdin)["order"]["order_id"])\''
METHODS = ("POST", "PUT", "DELETE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call; `path` is below the workspace."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A button.

    says      one sentence for people, shown beside or as the button's title
    blocked   why it cannot be done now; None where it can
    tone      "main" for what is usually wanted, "risky" for what takes something away
    """

    label: str
    steps: tuple[Step, ...]
    says: str = ""
    blocked: str | None = None
    tone: str = ""

    @property
    def payload(self) -> str:
        """The steps, as a form carries them."""
        return json.dumps([[step.method, step.path, step.body] for step in self.steps], ensure_ascii=False)

    def curl(self, base_url: str, workspace: str) -> str:
        """The same as a shell script of one command for each step."""
        place = "" if workspace == "default" else f"/w/{quote(workspace, safe='')}"
        commands = [_curl(step, f"{base_url}{BASE}{place}") for step in self.steps]
        if any("$ORDER" in command for command in commands):
            commands[0] = f"ORDER=$({commands[0]} | {READ_ORDER})"
        return "\n".join(commands)


def one(label: str, method: str, path: str, body: Mapping[str, Any] | None = None, **more: Any) -> Action:
    """An action of one call; a POST or PUT without members sends an empty object."""
    sent = {} if body is None and method != "DELETE" else body
    return Action(label=label, steps=(Step(method=method, path=path, body=sent),), **more)


def parse_payload(text: str) -> list[tuple[str, str, dict[str, Any] | None]]:
    """The steps that a form carries; ValueError for anything else."""
    value = parse_json(text)
    if not isinstance(value, list) or not 0 < len(value) <= 20:
        raise ValueError("no list of steps")
    steps: list[tuple[str, str, dict[str, Any] | None]] = []
    for item in value:
        if not (isinstance(item, list) and len(item) == 3):
            raise ValueError("no step")
        method, path, body = item
        if method not in METHODS or not isinstance(path, str) or not path.startswith("/"):
            raise ValueError("no call")
        if not (body is None or isinstance(body, dict)) or not _is_text(path):
            raise ValueError("no call")
        steps.append((method, path, body))
    return steps


def _is_text(path: str) -> bool:
    """Whether it can be written; JSON can name half a character."""
    return not any("\ud800" <= character <= "\udfff" for character in path)


def _curl(step: Step, base_url: str) -> str:
    # double quotes, so that the shell puts its variables in; all else that means something to it is encoded
    path = "$ORDER".join(quote(part) for part in step.path.split(ORDER))
    words = ["curl", "-sS", "-X", step.method, f'"{base_url}{path}"']
    words += ["-H", f'"Authorization: Bearer {TOKEN}"']
    if step.body is not None:
        words += ["-d", shlex.quote(json.dumps(step.body, ensure_ascii=False))]
    return " ".join(words)
