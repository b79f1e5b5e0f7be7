"""The backend under test over HTTP: logins, sync and the inventory probe, as its profile says.

Knows the profile and no scenario. A failure of the backend is an Answer, never an exception.
"""

import json
import ssl
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlencode

import urllib3
from coinslot_contracts.wire import Headers, WireRequest

from coinslot_scenarios.answers import Answer, is_server_error
from coinslot_scenarios.matchers import matches
from coinslot_scenarios.profile import Profile
from coinslot_scenarios.profile_shape import Request, Yes
from coinslot_scenarios.secrets_mask import Masker
from coinslot_scenarios.templates import NameUnknown, fill, lookup_in

_BODY_BYTES_MAX = 1_048_576


class ProbeFailed(Exception):
    """The inventory could not be read; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and what came back."""

    request: WireRequest
    status: int | None
    headers: Headers
    body: bytes
    error: str | None
    at_s: float
    elapsed_ms: float


def find_json(path: str, value: Any) -> list[Any]:
    """Every value at a JSONPath."""
    from jsonpath import findall

    return list(findall(path, value)) if isinstance(value, dict | list) else []


def first_json(path: str, value: Any) -> Any:
    """The first value at a JSONPath, or None."""
    return next(iter(find_json(path, value)), None)


class Backend:
    """Talks to one backend; may be used from many threads."""

    def __init__(self, profile: Profile, masker: Masker) -> None:
        self.profile = profile
        self._masker = masker
        self._answer_s = profile.shape.limits.answer_s
        self._tls = None
        if profile.shape.tls is not None:
            self._tls = ssl.create_default_context(cafile=str(profile.file.parent / profile.shape.tls.ca))

    def login_request(
        self, portal: str, *, token: str, player: Mapping[str, Any], extra: Mapping[str, Any] | None = None
    ) -> WireRequest:
        """The request that logs a player in with a token."""
        section = self.profile.portals[portal].login
        assert section is not None
        return self.build(section.request, {"token": token, "player": dict(player)}, extra=extra)

    def read_login(self, portal: str, exchange: Exchange) -> Answer:
        """What a login came to, by the profile's rule."""
        section = self.profile.portals[portal].login
        assert section is not None
        body = json_of(exchange.body)
        accepted, why = says_yes(section.ok, exchange)
        session = self._session(exchange, body) if accepted else None
        self._masker.add(session)
        return answer_of(
            exchange,
            kind="login",
            accepted=accepted,
            why=why,
            user_id=first_json(section.user_id, body) if section.user_id else None,
            session=session,
        )

    def _session(self, exchange: Exchange, body: Any) -> str | None:
        place = self.profile.shape.session
        if place is None:
            return None
        if place.at is not None:
            found = first_json(place.at, body)
            return None if found is None else str(found)
        cookie = SimpleCookie()
        for name, value in exchange.headers:
            if name.lower() == "set-cookie":
                try:
                    cookie.load(value)
                except CookieError:
                    continue
        return cookie[place.cookie].value if place.cookie and place.cookie in cookie else None

    def sync(self) -> Answer:
        """Make the backend fetch the list of orders; not for a backend that polls by itself."""
        sync = self.profile.shape.sync
        assert sync is not None
        if sync.command is not None:
            return self._command(sync.command)
        assert sync.request is not None
        exchange = self.send(self.build(sync.request, {}))
        accepted = exchange.status is not None and 200 <= exchange.status < 300
        return answer_of(exchange, kind="sync", accepted=accepted, why=f"HTTP {exchange.status}")

    def _command(self, command: Sequence[str]) -> Answer:
        done, took_ms, at_s = _run(command, timeout_s=self._answer_s, cwd=str(self.profile.file.parent))
        request = WireRequest(method="RUN", target=" ".join(command))
        if done is None:
            return Answer(
                kind="sync",
                request=request,
                status=None,
                error="timeout",
                elapsed_ms=took_ms,
                server_error=True,
            )
        ok = done.returncode == 0
        why = f"exit code {done.returncode}"
        return Answer(
            kind="sync",
            request=request,
            status=200 if ok else 500,
            body=done.stdout,
            elapsed_ms=took_ms,
            at_s=at_s,
            accepted=ok,
            why=why,
            server_error=not ok,
        )

    def inventory(self, player: Mapping[str, Any]) -> dict[str, int]:
        """Product -> count of what a player owns; ProbeFailed where it cannot be read."""
        probe = self.profile.shape.inventory
        assert probe is not None
        names = {"user_id": player["user_id"], "player": dict(player), "session": player.get("session")}
        if probe.sql is not None:
            return _queried(probe.sql, str(probe.url), str(player["user_id"]))
        if probe.command is not None:
            command = [str(part) for part in fill(probe.command, lookup_in(names))]
            done, _, _ = _run(command, timeout_s=self._answer_s, cwd=str(self.profile.file.parent))
            if done is None or done.returncode != 0:
                raise ProbeFailed(f"the inventory command failed: {' '.join(command)}")
            body = done.stdout
        else:
            assert probe.request is not None
            exchange = self.send(self.build(probe.request, names))
            if exchange.status is None or not 200 <= exchange.status < 300:
                got = f"HTTP {exchange.status}" if exchange.status else f"no answer ({exchange.error})"
                raise ProbeFailed(f"the inventory request got {got}: {exchange.request.target}")
            body = exchange.body
        return _owned(first_json(probe.items, json_of(body)), product=probe.product, count=probe.count)

    def reachable(self, path: str = "/") -> Exchange:
        """Any GET; tells whether somebody listens."""
        return self.send(WireRequest(method="GET", target=self.profile.base_url + path))

    def build(
        self, spec: Request, names: Mapping[str, Any], *, extra: Mapping[str, Any] | None = None
    ) -> WireRequest:
        """The exact request of a profile's request with its templates filled."""
        lookup = lookup_in(names)
        try:
            query, headers = fill(spec.query, lookup), fill(spec.headers, lookup)
            path, json_, form, text = (
                fill(part, lookup) for part in (spec.path, spec.json_, spec.form, spec.body)
            )
        except NameUnknown as error:
            raise ProbeFailed(f"${{{error.name}}} has no value here") from None
        target = self.profile.base_url + path + (f"?{urlencode(query)}" if query else "")
        content_type, body = None, b""
        if json_ is not None:
            value = {**json_, **extra} if extra and isinstance(json_, dict) else json_
            content_type, body = "application/json", json.dumps(value, ensure_ascii=False).encode()
        elif form is not None:
            content_type, body = (
                "application/x-www-form-urlencoded",
                urlencode({**form, **(extra or {})}).encode(),
            )
        elif text is not None:
            body = text.encode()
        merged = {**self.profile.shape.headers, **{name: str(value) for name, value in headers.items()}}
        if content_type and not any(name.lower() == "content-type" for name in merged):
            merged["Content-Type"] = content_type
        return WireRequest(method=spec.method, target=target, headers=tuple(merged.items()), body=body)

    def send_together(self, request: WireRequest, copies: int) -> list[Exchange]:
        """Send a request several times, the last byte of each held back until all can go."""
        from coinslot_sandbox.delivery.sender import Outgoing, send_together, target_of

        target = target_of(request.target)
        wire = WireRequest(method=request.method, target=target, headers=request.headers, body=request.body)
        results = send_together([Outgoing(url=request.target, request=wire)] * copies, self._answer_s)
        return [
            Exchange(
                request=request,
                status=result.reply.status if result.reply else None,
                headers=result.reply.headers if result.reply else (),
                body=result.reply.body if result.reply else b"",
                error=result.error,
                at_s=result.at_s,
                elapsed_ms=result.elapsed_ms,
            )
            for result in results
        ]

    def send(self, request: WireRequest) -> Exchange:
        """Send exactly this request and wait for the answer, at most `limits.answer`.

        Each on a connection of its own: a server that drops an idle one must not look like one that broke.
        """
        at_s, started = time.time(), time.perf_counter()
        try:
            with urllib3.PoolManager(num_pools=1, retries=False, ssl_context=self._tls) as http:
                reply = http.request(
                    request.method,
                    request.target,
                    body=request.body or None,
                    headers={"Connection": "close", **dict(request.headers)},
                    timeout=urllib3.Timeout(total=self._answer_s),
                    redirect=False,
                    preload_content=False,
                )
                body = reply.read(_BODY_BYTES_MAX)
                reply.close()
            status, headers, error = reply.status, tuple(reply.headers.items()), None
        except urllib3.exceptions.HTTPError as problem:
            status, headers, body, error = None, (), b"", _reason(problem)
        took_ms = (time.perf_counter() - started) * 1000
        return Exchange(
            request=request,
            status=status,
            headers=headers,
            body=body,
            error=error,
            at_s=at_s,
            elapsed_ms=took_ms,
        )


def _queried(sql: str, url: str, user_id: str) -> dict[str, int]:
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import SQLAlchemyError

    try:
        engine = create_engine(url)
        try:
            with engine.connect() as connection:
                rows = [tuple(row) for row in connection.execute(text(sql), {"user_id": user_id})]
        finally:
            engine.dispose()
    except (SQLAlchemyError, ImportError) as error:
        raise ProbeFailed(f"the inventory query failed: {str(error).splitlines()[0]}") from None
    if any(len(row) != 2 for row in rows):
        raise ProbeFailed("the inventory query must give rows of product and count")
    return _owned(
        [{"product": product, "count": count} for product, count in rows], product=None, count="count"
    )


def says_yes(rule: Yes, exchange: Exchange) -> tuple[bool, str]:
    """Whether an answer says yes by the profile's rule, and why."""
    if exchange.status is None:
        return False, f"no answer ({exchange.error})"
    if rule.status is not None and not status_matches(rule.status, exchange.status):
        return False, f"HTTP {exchange.status} is not {rule.status}"
    body = json_of(exchange.body)
    for path in rule.present:
        if all(value is None for value in find_json(path, body)):
            return False, f"{path} is absent or null"
    for path, wanted in rule.equals.items():
        if not any(matches(wanted, value) for value in find_json(path, body)):
            return False, f"{path} is not {wanted}"
    return True, f"HTTP {exchange.status} and what the profile's rule asks for"


def status_matches(wanted: Any, status: int) -> bool:
    """200 is 200; "2xx" is any of its class; a matcher is applied."""
    if isinstance(wanted, str) and wanted.endswith("xx"):
        return str(status)[0] == wanted[0]
    return matches(wanted, status)


def answer_of(exchange: Exchange, *, kind: str, accepted: bool, why: str, **facts: Any) -> Answer:
    """An exchange as an answer that was judged already."""
    return Answer(
        kind=kind,
        request=exchange.request,
        status=exchange.status,
        headers=exchange.headers,
        body=exchange.body,
        error=exchange.error,
        elapsed_ms=exchange.elapsed_ms,
        at_s=exchange.at_s,
        accepted=accepted,
        why=why,
        server_error=is_server_error(status=exchange.status, code=None, documented=frozenset(), outage=False),
        **facts,
    )


def _owned(items: Any, *, product: str | None, count: str | None) -> dict[str, int]:
    pairs: list[tuple[Any, Any]]
    if isinstance(items, dict) and product is None:
        pairs = list(items.items())
    elif isinstance(items, list):
        pairs = [(_member(row, product or "product"), _member(row, count) if count else 1) for row in items]
    else:
        raise ProbeFailed("the inventory is neither a list nor a map of products")
    owned: dict[str, int] = {}
    for name, number in pairs:
        if name is None or isinstance(number, bool) or not isinstance(number, int):
            raise ProbeFailed("the inventory holds a row without a product or a whole number of it")
        owned[str(name)] = owned.get(str(name), 0) + number
    return owned


def _member(row: Any, name: str) -> Any:
    return first_json(name, row) if name.startswith("$") else row.get(name) if isinstance(row, dict) else None


def json_of(body: bytes) -> Any:
    """A body as JSON, None where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _reason(problem: urllib3.exceptions.HTTPError) -> str:
    if isinstance(problem, urllib3.exceptions.NewConnectionError):
        return "connection refused"
    if isinstance(problem, urllib3.exceptions.TimeoutError):
        return "timeout"
    return "connection dropped" if isinstance(problem, urllib3.exceptions.ProtocolError) else str(problem)


def _run(
    command: Sequence[str], *, timeout_s: float, cwd: str
) -> tuple[subprocess.CompletedProcess[bytes] | None, float, float]:
    at_s, started = time.time(), time.perf_counter()
    try:
        done = subprocess.run(  # noqa: S603 - the command of the user's own profile
            list(command), capture_output=True, timeout=timeout_s, cwd=cwd, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        done = None
    return done, (time.perf_counter() - started) * 1000, at_s
