"""Make docs/control-api.md from the control API's own OpenAPI document: one curl for each call.

`python tools/make_control_page.py` writes the page; a test compares it and runs it. The document is the one
that a sandbox serves; values that only the sandbox knows are kept in shell variables.
"""

import json
import shlex
from pathlib import Path
from typing import Any

from coinslot_contracts.portal import discover
from coinslot_sandbox.control.openapi import BASE, document

PAGE = Path(__file__).resolve().parent.parent / "docs/control-api.md"
HEAD = """# The control API by example

Every call once, in an order in which the whole page works from top to bottom on a fresh sandbox; a test runs
it. The page is made from the OpenAPI document (`GET {base}/openapi.json`, where every member and every
refusal stands) by `make docs`. Do not edit it.

Start a sandbox in one terminal:

```sh
export COINSLOT_CONTROL_TOKEN=by-hand
coinslot sandbox --game-id 9943 --shared-key rehearsal-key --seed 7
```

and type the rest in another; nothing but `curl`, `grep` and `cut` is needed. Every path exists below
`/w/{{workspace}}` too, as in `$api/w/ada/orders`; without it the workspace `default` is meant. Nobody needs
to listen at the callback URL: what is sent there is then recorded as refused.

```sh
api=http://127.0.0.1:7712{base}
auth="Authorization: Bearer by-hand"
```
"""


def page(control: dict[str, Any]) -> str:
    """The page, from the OpenAPI document."""
    found = [
        (operation["x-example"]["place"], method, path, operation)
        for path, methods in control["paths"].items()
        for method, operation in methods.items()
        if "x-example" in operation
    ]
    blocks = [_block(method, path, operation) for _, method, path, operation in sorted(found, key=_place)]
    return HEAD.format(base=BASE) + "".join(blocks)


def without_example(control: dict[str, Any]) -> list[str]:
    """The calls behind the token that the page does not show."""
    return [
        operation["operationId"]
        for methods in control["paths"].values()
        for operation in methods.values()
        if "x-example" not in operation and "security" not in operation
    ]


def _place(item: tuple[int, str, str, dict[str, Any]]) -> int:
    return item[0]


def _block(method: str, path: str, operation: dict[str, Any]) -> str:
    example, short = operation["x-example"], path.removeprefix(BASE)
    status = max(status for status in operation["responses"] if status.startswith("2"))
    lines = [
        _curl(call["method"], call["path"], body=call["body"], query="") for call in example.get("before", ())
    ]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
    call = _curl(
        method.upper(),
        _filled(short, operation),
        body=body,
        query=example.get("query", ""),
        stream=example.get("stream", False),
    )
    remembered = example.get("remember", {})
    lines.append(f'answer=$({call})\necho "$answer"' if remembered else call)
    lines += [
        f"""{name}=$(echo "$answer" | grep -o '"{member}": "[^"]*"' | head -n 1 | cut -d '"' -f 4)"""
        for name, member in remembered.items()
    ]
    return (
        f"\n## {method.upper()} {short}\n\n{operation['summary']}. Answers {status}.\n\n```sh\n"
        + "\n".join(lines)
        + "\n```\n"
    )


def _curl(method: str, path: str, *, body: Any, query: str, stream: bool = False) -> str:
    words = ["curl -sS"]
    words += ["-N --max-time 2"] if stream else []
    words += [f"-X {method}"] if method != "GET" else []
    words.append(f'"$api{path}{"?" + query if query else ""}" -H "$auth"')
    if body is not None:
        words.append(f"-d {shlex.quote(json.dumps(body))}")
    return " ".join(words) + (" || true" if stream else "")


def _filled(path: str, operation: dict[str, Any]) -> str:
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            name = parameter["name"]
            path = path.replace(f"{{{name}}}", parameter.get("example", f"${name}"))
    return path


if __name__ == "__main__":
    PAGE.write_text(page(document(discover())), "utf-8")
