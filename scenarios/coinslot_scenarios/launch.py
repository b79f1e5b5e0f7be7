"""Processes that a run starts: the sandbox and the backend, ended cleanly with everything they started.

A process group of its own for each (a job of taskkill on Windows); output goes to files beside the report.
Nothing here knows what the processes do.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from coinslot_scenarios.client import SandboxFault

_END_S = 5.0
_TAIL_LINES = 15
WINDOWS = os.name == "nt"


class StartFailed(Exception):
    """A process did not come up; the text says why and what to do."""


class Process:
    """One started program; its output goes to a file."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        pipe_stdout: bool = False,
    ) -> None:
        self.log = log
        self._file = log.open("wb")
        flags: dict[str, Any] = (
            {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
            if WINDOWS
            else {"start_new_session": True}
        )
        try:
            self.popen = subprocess.Popen(  # noqa: S603 - our own sandbox, or the command of the user's profile
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipe_stdout else self._file,
                stderr=self._file if pipe_stdout else subprocess.STDOUT,
                env=None if env is None else dict(env),
                cwd=cwd,
                **flags,
            )
        except OSError as error:
            self._file.close()
            raise StartFailed(f"'{command[0]}' cannot be started: {error.strerror}") from None

    def tail(self) -> str:
        """The last lines of the output."""
        self._file.flush()
        lines = self.log.read_text("utf-8", "replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:])

    def stop(self) -> None:
        """End the program and all that it started; first kindly."""
        if self.popen.poll() is None:
            self._signal(kindly=True)
            try:
                self.popen.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._signal(kindly=False)
                self.popen.wait(_END_S)
        elif not WINDOWS:
            with contextlib.suppress(OSError):
                os.killpg(self.popen.pid, signal.SIGKILL)
        if self.popen.stdout is not None:
            self.popen.stdout.close()
        self._file.close()

    def _signal(self, *, kindly: bool) -> None:
        if WINDOWS:
            subprocess.run(  # noqa: S603 - ends exactly the process tree that was started here
                ["taskkill", "/T", "/F", "/PID", str(self.popen.pid)],  # noqa: S607 - a tool of the system
                capture_output=True,
                check=False,
            )
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGTERM if kindly else signal.SIGKILL)


def start_sandbox(options: Sequence[str], *, log: Path) -> tuple[Process, dict[str, Any]]:
    """Start our sandbox and read its ready line; SandboxFault where it does not come up."""
    command = [sys.executable, "-m", "coinslot_scenarios", "sandbox", *options]
    process = Process(command, log=log, pipe_stdout=True)
    assert process.popen.stdout is not None
    line = process.popen.stdout.readline()
    try:
        ready: dict[str, Any] = json.loads(line)
    except ValueError:
        process.popen.wait(_END_S)
        code, tail = process.popen.returncode, process.tail().strip()
        process.stop()
        last = tail.splitlines()[-1] if tail else "it said nothing"
        hint = (
            "; use --port 0 --control-port 0 for free ports" if code == 3 and "--port 0" not in last else ""
        )
        raise SandboxFault(f"the sandbox did not start: {last.removeprefix('Error: ')}{hint}") from None
    return process, ready


def wait_for_backend(process: Process, *, alive: Callable[[], bool], timeout_s: float) -> None:
    """Return when the backend answers; StartFailed with the end of its output where it does not."""
    deadline_s = time.monotonic() + timeout_s
    pause_s = 0.02
    while not alive():
        code = process.popen.poll()
        if code is not None:
            raise StartFailed(f"the backend ended with exit code {code} before it answered\n{process.tail()}")
        if time.monotonic() > deadline_s:
            raise StartFailed(f"the backend did not answer within {timeout_s:g} s\n{process.tail()}")
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, 0.25)
