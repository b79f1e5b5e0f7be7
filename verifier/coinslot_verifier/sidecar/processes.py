"""Several processes on one socket: made before any thread is, replaced when they die, ended together.

POSIX alone. The socket is shared, so a process that dies loses only the requests it was answering: who
waits to be accepted is accepted by another. A process that finds its parent gone ends too.
"""

import os
import select
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

from coinslot_verifier.sidecar.logs import JsonLog

LOOK_S: Final = 0.2
SHORT_LIFE_S: Final = 5.0
WAIT_S_MAX: Final = 10.0
START_S: Final = 30.0

Work = Callable[[int, Callable[[], None]], int]


class StartFailed(Exception):
    """A process ended before it answered."""


class Family:
    """The parent of the processes.

    work     (row, is_up) -> exit code: serves until SIGTERM, and calls is_up when it answers
    replaced called in the parent when a dead process is replaced
    stop_s   how long they may take to end
    """

    def __init__(
        self, count: int, work: Work, *, stop_s: float, log: JsonLog, replaced: Callable[[], None]
    ) -> None:
        self._work = work
        self._stop_s = stop_s
        self._log = log
        self._replaced = replaced
        self._rows: dict[int, int] = {}
        self._born_s: dict[int, float] = {}
        self._due: dict[int, float] = dict.fromkeys(range(count), 0.0)
        self._waits_s: dict[int, float] = dict.fromkeys(range(count), 0.0)
        self._stopping = False

    def run(self, ready: Callable[[], None]) -> int:
        """Serve until SIGTERM or SIGINT; `ready` is called when every process answers.

        returns  0
        errors   StartFailed
        """
        before = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._start_all()
            if not self._stopping:
                ready()
            while not self._stopping:
                self._replace()
                time.sleep(LOOK_S)
            return 0
        finally:
            self._end_all()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the form of a handler
        self._stopping = True

    def _start_all(self) -> None:
        pipes = [self._start(row) for row in list(self._due)]
        ends_s = time.monotonic() + START_S
        for pipe in pipes:
            try:
                is_up = self._is_up(pipe, ends_s)
            finally:
                os.close(pipe)
            if not is_up and not self._stopping:
                raise StartFailed("a process of the sidecar ended before it answered; its log says why")

    def _is_up(self, pipe: int, ends_s: float) -> bool:
        """Whether a process answers by then; whoever stops us is not kept waiting for it."""
        while not self._stopping and (left_s := ends_s - time.monotonic()) > 0:
            if select.select([pipe], [], [], min(left_s, LOOK_S))[0]:
                return os.read(pipe, 1) == b"+"
        return False

    def _start(self, row: int) -> int:
        """Make the process of this row; the pipe through which it says that it answers."""
        reading, writing = os.pipe()
        parent = os.getpid()
        child = os.fork()
        if child == 0:
            os.close(reading)
            self._live(row, writing, parent)
        os.close(writing)
        self._rows[child] = row
        self._born_s[child] = time.monotonic()
        self._due.pop(row)
        return reading

    def _live(self, row: int, writing: int, parent: int) -> None:
        """The whole life of a child; it never returns into the parent's code."""
        code = 5

        def is_up() -> None:
            os.write(writing, b"+")
            os.close(writing)

        try:
            if os.getppid() == parent:
                code = self._work(row, is_up)
        except Exception as error:  # noqa: BLE001 - the boundary of the process
            self._log.fault(error)
        finally:
            os._exit(code)

    def _replace(self) -> None:
        now_s = time.monotonic()
        for child, status in self._reap():
            row = self._rows.pop(child)
            lived_s = now_s - self._born_s.pop(child)
            wait_s = 0.0 if lived_s >= SHORT_LIFE_S else min(max(self._waits_s[row] * 2, 0.5), WAIT_S_MAX)
            self._waits_s[row] = wait_s
            self._due[row] = now_s + wait_s
            self._log.write(
                "process-died", level="error", process=child, status=status, again_in_s=round(wait_s, 1)
            )
        for row in [row for row, due_s in self._due.items() if due_s <= now_s]:
            os.close(self._start(row))
            self._replaced()

    def _reap(self) -> list[tuple[int, int]]:
        """The children that have ended, and how: an exit code, or minus the signal."""
        ended = []
        for child in list(self._rows):
            found, status = os.waitpid(child, os.WNOHANG)
            if found:
                ended.append((child, os.waitstatus_to_exitcode(status)))
        return ended

    def _end_all(self) -> None:
        for child in self._rows:
            os.kill(child, signal.SIGTERM)
        ends_s = time.monotonic() + self._stop_s + 1.0
        while self._rows and time.monotonic() < ends_s:
            for child, _ in self._reap():
                self._rows.pop(child)
            time.sleep(0.02)
        for child in self._rows:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        self._rows.clear()
