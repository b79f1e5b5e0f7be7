"""A sidecar's application without a process or a socket of its own, for what is easier seen from close by."""

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from coinslot_testkit.fake_portal import SHARED_KEY
from coinslot_testkit.sidecar_process import TOKEN
from coinslot_testkit.tokens import GAME_ID
from coinslot_verifier.config import VerifierConfig
from coinslot_verifier.identity import IdentityVerifier
from coinslot_verifier.key_source import KeySource
from coinslot_verifier.sidecar.app import CALLS, create_app
from coinslot_verifier.sidecar.logs import JsonLog
from coinslot_verifier.sidecar.metrics import Metrics
from coinslot_verifier.sidecar.services import Services, make_services
from coinslot_verifier.sidecar.settings import SidecarSettings
from flask import Flask
from werkzeug.test import TestResponse

DEAD = "http://127.0.0.1:1"


@dataclass(frozen=True, kw_only=True)
class SidecarApp:
    """An application and what it logged."""

    app: Flask
    logged: io.StringIO

    def ask(self, method: str, path: str, body: object = None, **options: Any) -> TestResponse:
        """One call with the token, unless `headers` say otherwise."""
        options.setdefault("headers", {"Authorization": f"Bearer {TOKEN}"})
        return self.app.test_client().open(path, method=method, json=body, **options)

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.logged.getvalue().splitlines()]

    def metric(self, line: str) -> float | None:
        """The value of the metric that is written so, None where it is not there."""
        for told in self.ask("GET", "/metrics").text.splitlines():
            name, _, value = told.rpartition(" ")
            if name == line:
                return float(value)
        return None


@contextmanager
def sidecar_app(
    urls: Mapping[str, str] | None = None,
    *,
    portals: tuple[str, ...] = ("jogos", "playgama"),
    ledger_url: str | None = None,
    keys: KeySource | None = None,
) -> Iterator[SidecarApp]:
    """The application for portals at these addresses; `keys` are where the keys of user tokens come from."""
    at = {"jogos": DEAD, "playgama": DEAD, **(urls or {})}
    known = {
        "jogos": VerifierConfig(
            portal="jogos",
            game_id=GAME_ID,
            shared_keys=(SHARED_KEY,),
            web_url=at["jogos"],
            api_url=at["jogos"],
            allow_test_keys=True,
        ),
        "playgama": VerifierConfig(portal="playgama", url=at["playgama"], allow_test_keys=True),
    }
    configs = tuple(known[name] for name in portals)
    settings = SidecarSettings(configs=configs, token=TOKEN, ledger_url=ledger_url)
    metrics = Metrics(calls=CALLS, portals=portals, processes=1)
    logged = io.StringIO()
    services = make_services(settings, metrics, token=TOKEN, log=JsonLog(stream=logged))
    if keys is not None:
        services = _with_keys(services, keys)
    try:
        yield SidecarApp(app=create_app(settings, services), logged=logged)
    finally:
        services.close()


def _with_keys(services: Services, keys: KeySource) -> Services:
    changed = {
        name: replace(portal, identity=IdentityVerifier(portal.config, key_source=keys), keys=(keys,))
        for name, portal in services.portals.items()
        if portal.identity is not None
    }
    return replace(services, portals={**services.portals, **changed})
