"""One line of JSON per event on stderr, made of members that can hold no secret.

Whoever logs names each member; nothing is taken over from a request but the order's id. Of an exception
only its kind and the places it came through are told, for its text may hold what a caller sent.
"""

import json
import sys
import threading
import time
import traceback
from typing import Any, TextIO


class JsonLog:
    """Writes events; may be shared by all threads. A reader who went away is no reason to fail."""

    def __init__(self, *, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._lock = threading.Lock()

    def write(self, event: str, *, level: str = "info", **members: Any) -> None:
        """Write one line: at_s (seconds since 1970), level, event, then the members that are not None."""
        told = {name: value for name, value in members.items() if value is not None}
        line = json.dumps({"at_s": round(time.time(), 3), "level": level, "event": event, **told})
        try:
            with self._lock:
                self._stream.write(line + "\n")
                self._stream.flush()
        except (OSError, ValueError):
            return

    def fault(self, error: BaseException, **members: Any) -> None:
        """A mistake of ours: its kind, and where it happened."""
        places = [
            f"{frame.filename.replace(chr(92), '/').rpartition('/')[2]}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
        self.write("fault", level="error", error=type(error).__name__, places=places[-12:], **members)
