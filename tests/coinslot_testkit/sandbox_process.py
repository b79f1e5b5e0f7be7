"""A sandbox as a process of its own, started as the command starts it: for what only a process can show.

Run as a program it takes settings as JSON and calls `coinslot_sandbox.main`.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class SandboxProcess:
    """A context manager; `ready` is the object of the ready line, or None where none came."""

    def __init__(self, environment: dict[str, str] | None = None, **settings: Any) -> None:
        given = {"port": 0, "control_port": 0, **settings}
        folders = (ROOT / name for name in ("contracts", "sandbox"))
        paths = os.pathsep.join(str(folder) for folder in folders)
        self.process = subprocess.Popen(
            [sys.executable, __file__, json.dumps(given)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": paths, **(environment or {})},
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.ready: dict[str, Any] = json.loads(line) if line else {}

    def __enter__(self) -> "SandboxProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(signal.SIGTERM)

    def end(self, number: int) -> tuple[int, str, str]:
        """Send a signal and wait; exit code, the rest of stdout, stderr."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str, str]:
        """Wait for the end; exit code, the rest of stdout, stderr."""
        if self.process.stdout is None or self.process.stdout.closed:
            return self.process.returncode, "", ""
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


def _main() -> int:
    from coinslot_sandbox import SandboxSettings, SandboxStartError, main

    settings = json.loads(sys.argv[1])
    try:
        return main(SandboxSettings(**settings))
    except SandboxStartError as error:
        sys.stderr.write(f"coinslot sandbox: {error.message}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(_main())
