"""V6: the sidecar as the command starts it, two processes beside one, and one beside a hello route.

Every call is a different notification whose signature is checked, without a ledger and over CONNECTIONS
keep-alive connections; nothing is fetched. The generator runs on the same cores, so a machine of two cannot
show a factor of two: the figure says what is left for the sidecar.
"""

import base64
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from coinslot_contracts.portal import discover
from coinslot_testkit.fake_portal import SHARED_KEY
from coinslot_testkit.sidecar_process import TOKEN, start_sidecar
from coinslot_testkit.tokens import GAME_ID
from load import latencies_ms, request_bytes, scaled
from peers import own
from rounds import Figure, compared, in_turn

CONNECTIONS = 8
CALLS = 1_200
PORTAL = discover()["jogos"]


def sidecar() -> list[Figure]:
    """V6."""
    with contextlib.ExitStack() as stack:
        one, two = (stack.enter_context(_sidecar(count)) for count in (1, 2))
        hello = stack.enter_context(_hello())
        rates = in_turn({"two": two, "one": one, "hello": hello}, rounds=5)
    note = f"notifications checked, {CONNECTIONS} connections, generator on the same cores"
    return [
        compared("V6", "the sidecar, two processes, times one", rates, ("two", "one"), goal=1.8, note=note),
        compared(
            "V6", "… one process, of a hello route on the same server", rates, ("one", "hello"), goal=0.7
        ),
    ]


@contextlib.contextmanager
def _sidecar(processes: int) -> Iterator[Callable[[], float]]:
    options = ("--portal", PORTAL.name, "--processes", str(processes))
    with start_sidecar({}, *options) as running:
        url = f"{running.ready['url']}/v1/{PORTAL.name}/notification"
        numbers = iter(range(sys.maxsize))
        yield lambda: _rate(url, lambda: _call(url, next(numbers)))


@contextlib.contextmanager
def _hello() -> Iterator[Callable[[], float]]:
    """Flask answering fixed bytes, on the server that the sidecar stands on."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hello.json"
        file.write_bytes(b'{"hello": "world"}')
        with own("flask", str(file)) as (base, _):
            url = f"{base}/publicKey.json"
            yield lambda: _rate(url, lambda: request_bytes(url))


def _rate(url: str, request: Callable[[], bytes]) -> float:
    """Calls a second over all connections together."""
    calls = [[request() for _ in range(scaled(CALLS) // CONNECTIONS + 1)] for _ in range(CONNECTIONS)]
    began_s = time.perf_counter()
    count = len(latencies_ms(url, calls))
    return count / (time.perf_counter() - began_s)


def _call(url: str, number: int) -> bytes:
    notices = PORTAL.notices
    assert notices is not None
    body = (
        f'{{"paytype":"pay","gameId":{GAME_ID},"orderId":"zXhKYRy3genKKh9TgndBpu{number:08}","arrivedStatus":0,'
        '"productId":"1002","createTime":1755657098,"payTime":1755657115,"userId":278,"refundStatus":null}'
    ).encode()
    told = {"body_b64": base64.b64encode(body).decode(), "signature": notices.sign(body, SHARED_KEY)}
    return request_bytes(
        url,
        method="POST",
        body=json.dumps(told).encode(),
        headers=(("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json")),
    )
