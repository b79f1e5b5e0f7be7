"""A command that repeats a request byte for byte, in a POSIX shell, with no secret in it.

A valid token is minted anew by the sandbox; a hostile one is printed whole. A signature is that of these
bytes alone and is printed as it was sent.
"""

import shlex

from coinslot_contracts.wire import Headers, WireRequest

from coinslot_scenarios.answers import Answer
from coinslot_scenarios.secrets_mask import Masker

_LEFT_OUT = {
    "host",
    "x-coinslot-sandbox",
    "content-length",
    "connection",
    "accept-encoding",
    "user-agent",
    "transfer-encoding",
}

_SOURCES = {"login": "tokens", "purchase": "purchases"}


def curl_of(answer: Answer, *, copies: int, masker: Masker) -> list[str]:
    """The lines of the command; several copies at once where there were several."""
    request = answer.request
    if request.method == "RUN":
        return [request.target]
    body, note = _body(request, answer, masker)
    command = ["curl", "-si", "-X", request.method, request.target, *_headers(request.headers)]
    text = " ".join(shlex.quote(part) for part in command)
    lines = [*note, text + (f" --data-binary {body}" if body else "")]
    if copies > 1:
        lines[-1] = f"for i in $(seq {copies}); do {lines[-1]} & done; wait"
    return lines


def _headers(headers: Headers) -> list[str]:
    kept = [(name, value) for name, value in headers if name.lower() not in _LEFT_OUT]
    return [part for name, value in kept for part in ("-H", f"{name}: {value}" if value else f"{name};")]


def _body(request: WireRequest, answer: Answer, masker: Masker) -> tuple[str, list[str]]:
    if not request.body:
        return "", []
    try:
        text = request.body.decode("ascii")
    except UnicodeDecodeError:
        escaped = "".join(f"\\x{byte:02x}" for byte in request.body)
        return f"@<(printf '{escaped}')", []
    masked = masker.mask(text)
    if masked == text:
        return shlex.quote(text), []
    source = _SOURCES.get(answer.kind)
    note = (
        [f"# the masked part is a fresh token of the sandbox: POST /_control/v1/{source}"] if source else []
    )
    return shlex.quote(masked), note
