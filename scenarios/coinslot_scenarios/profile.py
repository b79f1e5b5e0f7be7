"""A profile, read: how one backend is reached, with its secrets fetched and its capabilities derived.

`${env:NAME}` is replaced here and its value masked everywhere; other templates wait until their value is
known. Knows portals only as names of sections.
"""

import contextlib
import random
import socket
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from coinslot_contracts.portal import Portal, discover
from pydantic import ValidationError

from coinslot_scenarios.durations import parse_duration
from coinslot_scenarios.problems import InvalidFiles, Place, Problem, unknown
from coinslot_scenarios.profile_shape import PortalSection, ProfileShape, Request
from coinslot_scenarios.secrets_mask import Masker
from coinslot_scenarios.shapes import known_keys, problems_of
from coinslot_scenarios.templates import KEEP, fill, names_in
from coinslot_scenarios.yamldoc import Document, Path_, read_documents

PORTS: Final = range(10_000, 32_000)
"""Below what systems give to outgoing connections: one of those could take the port first."""
_LATE_NAMES = ("token", "player", "session", "user_id", "jwt", "purchase", "externalId", "product")
_NOTIFIED_PRODUCTS = ("1002", "1003", "1004")
_CLIENT_PRODUCTS = ("gems_100", "gems_200")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One backend.

    file      where the profile stands; relative paths in it start from there
    portals   sections by portal name
    port      the free port of `${port}`, None where it is not used
    """

    file: Path
    shape: ProfileShape
    portals: Mapping[str, PortalSection]
    port: int | None = None
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def base_url(self) -> str:
        """Where the backend listens, without a slash at the end."""
        return self.shape.base_url.rstrip("/")

    @property
    def capabilities(self) -> frozenset[str]:
        """What can be done with this backend, derived from what the profile says."""
        found = {
            name
            for name, part in (
                ("probe", self.shape.inventory),
                ("sync", self.shape.sync),
                ("restart", self.shape.restart),
            )
            if part is not None
        }
        for name, section in self.portals.items():
            if section.login:
                found.add(f"{name}.login")
            if section.login and section.login.user_id:
                found.add(f"{name}.login.user_id")
            if section.callback:
                found.add(f"{name}.callback")
            if section.initiate:
                found.add(f"{name}.initiate")
            if section.purchase:
                found.add(f"{name}.purchase")
            if section.purchase and section.purchase.pending:
                found.add(f"{name}.purchase.pending")
            found |= {f"{name}.products:{count + 1}" for count in range(len(section.products))}
        return frozenset(found)

    def callback_url(self, portal: str) -> str | None:
        """The full callback URL for a portal, None where the backend has none."""
        section = self.portals.get(portal)
        return None if section is None or section.callback is None else self.base_url + section.callback.path

    def login_portal(self, portal: str) -> str | None:
        """The portal whose login gives a player of this one a session; None where there is no login."""
        section = self.portals.get(portal)
        if section is not None and section.login is not None:
            return portal
        return self.shape.session.from_.removesuffix(".login") if self.shape.session else None

    def key_cache_s(self, portal: str) -> float:
        """How long this backend declares to keep a portal's key."""
        return parse_duration(self.shape.limits.key_cache.get(portal, "0s"))


def load_profile(path: Path, *, environ: Mapping[str, str], masker: Masker) -> Profile:
    """Read a profile; InvalidFiles with every problem at file:line:col."""
    documents, problems = read_documents(path)
    if len(documents) != 1:
        raise InvalidFiles(problems or [Problem(Place(str(path)), "a profile is one YAML document")])
    document = documents[0]
    if not isinstance(document.value, dict):
        raise InvalidFiles(
            [Problem(document.place(()), "a profile is a mapping that begins coinslot-profile: 1")]
        )
    reader = _Reader(document, environ)
    reader.problems += problems
    filled = reader.fill_known()
    shape, portals = reader.validate(filled)
    if reader.problems or shape is None:
        raise InvalidFiles(reader.problems)
    masker.add(*reader.secrets, *(section.shared_key for section in portals.values()))
    if shape.sandbox:
        masker.add(shape.sandbox.control_token)
    if shape.inventory:
        masker.add(shape.inventory.url)
    return Profile(
        file=path.resolve(), shape=shape, portals=portals, port=reader.port, secrets=frozenset(reader.secrets)
    )


def usual_products(portal: Portal) -> list[str]:
    """The products of a profile that names none, by how the portal's purchases reach the backend."""
    return list(_NOTIFIED_PRODUCTS if portal.purchases is None else _CLIENT_PRODUCTS)


def free_port() -> int:
    """A TCP port on the loopback that was free a moment ago, of PORTS where one of these is found."""
    drawn = random.SystemRandom()  # runs with one seed, side by side, must not draw the same
    for port in drawn.sample(PORTS, k=min(len(PORTS), 50)):
        with contextlib.suppress(OSError):
            return _bound(port)
    return _bound(0)


def _bound(port: int) -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        return int(listener.getsockname()[1])


class _Reader:
    """One pass over one document; collects problems instead of stopping."""

    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        self.document = document
        self.environ = environ
        self.problems: list[Problem] = []
        self.secrets: set[str] = set()
        self.port: int | None = None

    def fill_known(self) -> dict[str, Any]:
        for path, name in names_in(self.document.value):
            self._check_name(path, name)
        filled: dict[str, Any] = fill(self.document.value, self._lookup)
        return filled

    def _check_name(self, path: Path_, name: str) -> None:
        known = name.split(".")[0] in _LATE_NAMES or name in ("python", "port")
        if name.startswith("env:"):
            if name[4:] not in self.environ:
                self._report(path, f"environment variable {name[4:]} is not set")
        elif not known:
            self._report(path, unknown("name", f"${{{name}}}", ["${" + late + "}" for late in _LATE_NAMES]))

    def _lookup(self, name: str) -> Any:
        if name.startswith("env:"):
            value = self.environ.get(name[4:], "")
            self.secrets.add(value)
            return value
        if name == "python":
            return sys.executable
        if name == "port":
            self.port = self.port or free_port()
            return str(self.port)
        if name.split(".")[0] in _LATE_NAMES:
            return KEEP
        return ""

    def validate(self, filled: dict[str, Any]) -> tuple[ProfileShape | None, dict[str, PortalSection]]:
        names = discover()
        common = {key: value for key, value in filled.items() if key not in names}
        for key in [key for key in common if key not in known_keys(ProfileShape, ())]:
            known = [*known_keys(ProfileShape, ()), *names]
            self.problems.append(Problem(self.document.place((key,)), unknown("key", key, known)))
            del common[key]
        if "coinslot-profile" not in common:
            self._report((), "a profile begins with the key 'coinslot-profile: 1'")
            common["coinslot-profile"] = 1
        shape = self._model(ProfileShape, common, ())
        portals = {}
        for name in names:
            if name in filled:
                section = self._model(PortalSection, _with_products(filled[name], names[name]), (name,))
                if section is not None:
                    portals[name] = section
        if shape is not None:
            self._cross_check(shape, portals)
        return shape, portals

    def _model(self, model: type[Any], value: Any, at: Path_) -> Any:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            self.problems += problems_of(error, model, self.document, at)
            return None

    def _cross_check(self, shape: ProfileShape, portals: Mapping[str, PortalSection]) -> None:
        parts = urlsplit(shape.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            self._report(("base_url",), "'base_url' must be a URL such as http://127.0.0.1:8080")
        if not portals and not self.problems:
            self._report((), f"no portal's section is given: {', '.join(discover())}")
        if shape.tls:
            self._check_tls(shape.tls.ca)
        for name, section in portals.items():
            self._check_section(name, section, started=shape.start is not None)
            self._check_purchases(name, section, has_session=shape.session is not None)
        if shape.session and not _has_login(portals.get(shape.session.from_.removesuffix(".login"))):
            self._report(("session", "from"), f"'{shape.session.from_}' must be one of: <portal>.login")

    def _check_tls(self, ca: str) -> None:
        try:
            ssl.create_default_context(cafile=str(Path(self.document.file).parent / ca))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            self._report(("tls", "ca"), f"'ca' is no certificate file: {reason}")

    def _check_section(self, name: str, section: PortalSection, *, started: bool) -> None:
        notices = discover()[name].notices
        for key in ("game_id", "shared_key"):
            if notices is not None and not started and getattr(section, key) is None:
                self._report((name,), f"key '{key}' is missing: without 'start:' the backend has its own")
        if section.game_id is not None and not (section.game_id.isascii() and section.game_id.isdigit()):
            self._report((name, "game_id"), "'game_id' must be decimal digits")

    def _check_purchases(self, name: str, section: PortalSection, *, has_session: bool) -> None:
        portal = discover()[name]
        for key in ("initiate", "purchase", "verify_reply"):
            if portal.purchases is None and getattr(section, key) is not None:
                self._report((name, key), f"'{key}' does not belong here: {name} hands over no purchases")
        replies = () if portal.purchases is None else portal.purchases.verify_replies
        if replies and section.verify_reply is not None and section.verify_reply not in replies:
            message = unknown("value of 'verify_reply':", section.verify_reply, replies)
            self._report((name, "verify_reply"), message)
        for key in ("initiate", "purchase"):
            part = getattr(section, key)
            if part is not None and not has_session and _names_session(part.request):
                self._report(
                    (name, key), "${session} has no value: say with 'session:' where a login gives it"
                )

    def _report(self, path: Path_, message: str) -> None:
        self.problems.append(Problem(self.document.value_place(path), message))


def _with_products(written: Any, portal: Portal) -> Any:
    """A written section with the portal's usual products where it names none."""
    return {"products": usual_products(portal), **written} if isinstance(written, dict) else written


def _has_login(section: PortalSection | None) -> bool:
    return section is not None and section.login is not None


def _names_session(request: Request) -> bool:
    return any(name == "session" for _, name in names_in(request.model_dump()))
