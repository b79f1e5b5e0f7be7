"""The sandbox as a process: ready line on stdout, banner on stderr, SIGTERM and SIGINT stop it cleanly."""

import gc
import json
import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING

from coinslot_sandbox.settings import SandboxSettings, check_settings

if TYPE_CHECKING:
    from coinslot_sandbox.sandbox import Sandbox

WAKE_S = 0.5
"""How often we look up: on Windows a wait without an end is not interrupted by Ctrl-C."""


def main(settings: SandboxSettings) -> int:
    """Run a sandbox until it is told to stop; 0.

    errors  SandboxStartError, one line and an exit code for the command
    """
    check_settings(settings)  # before the frameworks are loaded: a wrong setting is answered at once
    gc.disable()  # what is loaded now stays: searching it for garbage would only make the start longer
    from coinslot_sandbox.sandbox import Sandbox

    stopped = threading.Event()
    before = {number: _on_signal(number, stopped) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with Sandbox(settings) as sandbox:
            _say(json.dumps(sandbox.ready), to_people=False)
            if not settings.quiet:
                _say(_banner(sandbox), to_people=True)
            sandbox.warm_up()
            gc.freeze()
            gc.enable()
            while not stopped.wait(WAKE_S):
                continue
    finally:
        gc.enable()
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _banner(sandbox: "Sandbox") -> str:
    from coinslot_sandbox.banner import banner

    return banner(sandbox)


def _on_signal(number: signal.Signals, stopped: threading.Event) -> "signal._HANDLER":
    def stop(received: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the form of a handler
        stopped.set()

    return signal.signal(number, stop)


def _say(text: str, *, to_people: bool) -> None:
    """Write a line; a reader who has gone away is no reason to stop."""
    stream = sys.stderr if to_people else sys.stdout
    try:
        stream.write(text + "\n")
        stream.flush()
    except (OSError, ValueError):
        return
