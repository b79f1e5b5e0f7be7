"""Libraries that are not ours, reading a sandbox's key set as a backend would: PyJWT, and Node's jose.

Each keeps one remote set for its whole life, so that a rotation has to be noticed by the library itself.
"""

import json
import subprocess
from types import TracebackType
from typing import Any, Protocol

import jwt
from coinslot_testkit.tools import VECTORS

ALGORITHMS = ["RS256", "ES256"]
ANSWER_S = 20.0


class KeySetReader(Protocol):
    """Checks tokens against one key set."""

    def claims(self, token: str) -> dict[str, Any] | None:
        """The claims of a token that is good, None for any other."""
        ...


class PyJwtReader:
    """PyJWT's client, with the wait between two fetches taken out."""

    def __init__(self, url: str) -> None:
        self._keys = jwt.PyJWKClient(url, cooldown_duration=0)

    def __enter__(self) -> "PyJwtReader":
        return self

    def __exit__(self, *details: object) -> None:
        """Nothing is held open."""

    def claims(self, token: str) -> dict[str, Any] | None:
        """The claims of a good token."""
        try:
            key = self._keys.get_signing_key_from_jwt(token)
            return dict(jwt.decode(token, key, algorithms=ALGORITHMS))
        except jwt.PyJWTError:
            return None


class JoseReader:
    """A Node process with jose's remote set."""

    def __init__(self, url: str) -> None:
        self._node = subprocess.Popen(
            ["node", str(VECTORS / "node/read_key_set.mjs"), url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def __enter__(self) -> "JoseReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._node.communicate(timeout=ANSWER_S)

    def claims(self, token: str) -> dict[str, Any] | None:
        """The claims of a good token."""
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.write(token + "\n")
        self._node.stdin.flush()
        said = json.loads(self._node.stdout.readline())
        return said.get("claims")


READERS = {"pyjwt": PyJwtReader, "jose": JoseReader}
