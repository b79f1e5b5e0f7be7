"""A small sidecar's parent as a process: what its children do is chosen by name, what happens is printed.

`python -m coinslot_testkit.family_program CASE` runs a `Family` of two, or of one; it prints to stdout, its
log to stderr. A program of its own, because a process that forks should have no other thread.
"""

import os
import signal
import sys
import time
from collections.abc import Callable

from coinslot_verifier.sidecar.logs import JsonLog
from coinslot_verifier.sidecar.processes import Family, StartFailed

IsUp = Callable[[], None]


def serve(row: int, is_up: IsUp) -> int:
    """A child as it should be: it answers, and ends when it is told."""
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda *received: told.append(received[0]))
    _say(f"served {row}")
    is_up()
    while not told:
        time.sleep(0.01)
    return 0


def fall(row: int, is_up: IsUp) -> int:
    """Ends before it answers."""
    return 7


def fail(row: int, is_up: IsUp) -> int:
    """Fails before it answers."""
    raise RuntimeError("secret words")


def ignore(row: int, is_up: IsUp) -> int:
    """Answers, and does not end when it is told."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    is_up()
    while True:
        time.sleep(1)


def stop_early(row: int, is_up: IsUp) -> int:
    """The parent is told to stop, and its only child never answers."""
    os.kill(os.getppid(), signal.SIGTERM)
    while True:
        time.sleep(1)


CASES = {
    "serve": serve,
    "orphan": serve,
    "fall": fall,
    "fail": fail,
    "ignore": ignore,
    "stop-early": stop_early,
}


def main() -> int:
    """Run the family of the case; 5 where it did not start."""
    case = sys.argv[1]
    if case == "orphan":
        _die_after_fork()
    family = Family(
        1 if case in ("orphan", "stop-early") else 2,
        CASES[case],
        stop_s=0.2,
        log=JsonLog(),
        replaced=lambda: _say("replaced"),
    )
    try:
        code = family.run(lambda: _say("ready"))
    except StartFailed as error:
        _say(f"not started: {error}")
        return 5
    _say("ended")
    return code


def _die_after_fork() -> None:
    """From now on whoever forks dies at once, and the child begins when that has happened."""
    fork, parent = os.fork, os.getpid()

    def fork_and_die() -> int:
        if fork():
            os._exit(0)
        while os.getppid() == parent:
            time.sleep(0.01)
        return 0

    os.fork = fork_and_die


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    sys.exit(main())
