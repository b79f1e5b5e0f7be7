"""What tests of the harness share: a sandbox in this process, a profile for a toy backend, a captured run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coinslot_sandbox import Sandbox
from coinslot_scenarios.check import CheckOptions, CheckResult, run_check
from coinslot_scenarios.report.terminal import Printer
from coinslot_scenarios.select_items import Selection
from coinslot_testkit.toy_backend import ToyBackend

SHARED_KEY = "a-shared-key-of-tests"

PROFILE = """\
coinslot-profile: 1
name: toy
base_url: {base_url}
sandbox: {{url: "{url}", control_url: "{control_url}", control_token: "${{env:TOKEN}}"}}
jogos:
  game_id: {game_id}
  shared_key: ${{env:SHARED_KEY}}
  login:
    request: {{method: POST, path: /login, json: {{token: "${{token}}"}}}}
    ok: {{status: 2xx, present: $.user.id}}
    user_id: $.user.id
  callback: {{path: /notify}}
inventory: {{request: {{path: /inventory, query: {{user: "${{user_id}}"}}}}, items: $.items}}
sync: {{request: {{method: POST, path: /sync}}}}
limits: {limits}
"""


class Lines(Printer):
    """A printer that keeps what it was told."""

    def __init__(self, *, verbose: bool = False) -> None:
        super().__init__(environ={}, verbose=verbose, color=False)
        self.out: list[str] = []
        self.err: list[str] = []

    def _out(self, text: str) -> None:
        self.out += self.mask(text).splitlines()

    def _err(self, text: str) -> None:
        self.err += self.mask(text).splitlines()


class Harness:
    """Runs checks of one sandbox against toy backends; each gets a game of its own."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.ready: Mapping[str, Any] = sandbox.ready
        self.folder = folder
        self.printer = Lines()
        self._games = 500

    @property
    def environ(self) -> dict[str, str]:
        """The secrets of the profiles."""
        return {"TOKEN": self.ready["control_token"], "SHARED_KEY": SHARED_KEY}

    def profile(
        self, backend: ToyBackend, *, changes: Mapping[str, str] | None = None, limits: str = "{}"
    ) -> Path:
        """Write a profile for a toy backend and tell the backend where the portal is."""
        self._games += 1
        backend.game_id = str(self._games)
        backend.shared_key = SHARED_KEY.encode()
        backend.portal_url = self.ready["jogos"]["web_url"]
        text = PROFILE.format(
            base_url=backend.base_url,
            url=self.ready["jogos"]["web_url"],
            control_url=self.ready["control_url"],
            game_id=backend.game_id,
            limits=limits,
        )
        for old, new in (changes or {}).items():
            assert old in text
            text = text.replace(old, new)
        file = self.folder / f"profile-{backend.game_id}.yaml"
        file.write_text(text, "utf-8")
        return file

    def check(
        self, backend: ToyBackend, *wanted: str, profile: Path | None = None, **options: Any
    ) -> CheckResult:
        """Run checks by id, or files, without preflight unless asked for."""
        self.printer = Lines()
        given: dict[str, Any] = {"preflight": False, "seed": 1, **options}
        selection = given.pop("selection", Selection(wanted=wanted))
        return run_check(
            CheckOptions(
                profile=profile or self.profile(backend),
                environ=self.environ,
                selection=selection,
                report=self.folder / "report",
                **given,
            ),
            self.printer,
        )

    def scenario(self, text: str, name: str = "scenario.yaml") -> str:
        """Write a scenario file; returns its path."""
        file = self.folder / name
        file.write_text(text, "utf-8")
        return str(file)
