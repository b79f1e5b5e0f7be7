"""S6, S7, S8 and the workspaces: what load, growth and many tenants do to the sandbox."""

import contextlib
import json
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import peers
from bench_endpoints import _list as list_orders
from bench_endpoints import stub_document
from bench_sandbox import asking, resident_kib, running
from load import SCALE, Client, latencies_ms, request_bytes, scaled
from rounds import Figure, compared, in_turn, not_measured, ratio

PACED_SHARE = 0.5
WRITES = 1_600
SMALL, LARGE = 1_000, 1_000_000
TENANTS, MIXED_CALLS = 100, 10_000


def peers_memory() -> list[Figure]:
    """S6: resident memory when idle, of ours and the peers."""
    figures = []
    with running() as (_, pid), tempfile.TemporaryDirectory() as name:
        ours = resident_kib(pid)
        document = stub_document("get", "/any", {}, 200)
        servers = {
            "oauth2-mock-server": peers.oauth2_mock(),
            "Prism": peers.prism(document, Path(name)),
            "Mockoon": peers.mockoon([("GET", "/any", "{}")], Path(name)),
        }
        for peer, server in servers.items():
            what = f"resident memory, idle, of {peer}"
            try:
                with server as (_, other_pid):
                    other = resident_kib(other_pid)
            except peers.PeerMissing as error:
                figures.append(not_measured("S6", what, 1.0, str(error), at_least=False))
                continue
            figures.append(
                Figure(
                    id="S6",
                    what=what,
                    measured=ours / other,
                    goal=1.0,
                    at_least=False,
                    ours=f"{ours / 1024:.0f} MiB",
                    other=f"{other / 1024:.0f} MiB",
                )
            )
    return [*figures, not_measured("S6", "resident memory, of WireMock", 1.0, peers.WIREMOCK, at_least=False)]


def _order_requests(ready: dict) -> Callable[[int, int], list[list[bytes]]]:
    ask = asking(ready)
    body = {"player": ask("/players", {})["user_id"], "product": ask("/products", {})["product_id"]}
    request = request_bytes(
        f"{ready['control_url']}/_control/v1/orders",
        method="POST",
        body=json.dumps(body).encode(),
        headers=[("Authorization", f"Bearer {ready['control_token']}")],
    )
    return lambda connections, writes: [[request] * (writes // connections) for _ in range(connections)]


def connections() -> list[Figure]:
    """S7: writes over 16 and over 64 connections: latency at the same offered load, and throughput."""
    with running() as (ready, _):
        requests, url = _order_requests(ready), ready["control_url"]

        def throughput(count: int) -> float:
            own = requests(count, scaled(WRITES, least=64))
            began_s = time.perf_counter()
            latencies_ms(url, own, status=201)
            return sum(map(len, own)) / (time.perf_counter() - began_s)

        rates = in_turn({"64": lambda: throughput(64), "16": lambda: throughput(16)}, rounds=5)
        offered = statistics.median(rates["16"]) * PACED_SHARE

        def paced(count: int) -> float:
            own = requests(count, scaled(WRITES, least=128))
            return _p99(_paced_ms(url, own, every_s=count / offered))

        p99 = in_turn({"64": lambda: paced(64), "16": lambda: paced(16)}, rounds=5)
    note = f"offered {offered:.0f}/s, half of what 16 reach"
    what = "p99 of writes over 64 connections, of that over 16"
    collapse = "writes a second over 64 connections, of those over 16"
    return [
        compared("S7", what, p99, ("64", "16"), goal=2.0, at_least=False, unit=" ms", note=note),
        compared("S7", collapse, rates, ("64", "16"), goal=0.8, note="no collapse: 0.8 is our reading"),
    ]


def _paced_ms(url: str, requests: list[list[bytes]], *, every_s: float) -> list[float]:
    """Milliseconds of each request, sent at its time; one that is late counts from then."""
    found: list[float] = []
    begun_s = time.perf_counter() + 0.2

    def run(own: list[bytes], first_s: float) -> None:
        client = Client(url)
        for number, request in enumerate(own):
            due_s = first_s + number * every_s
            time.sleep(max(due_s - time.perf_counter(), 0))
            client.ask(request)
            found.append((time.perf_counter() - due_s) * 1000)
        client.close()

    threads = [
        threading.Thread(target=run, args=(own, begun_s + every_s * place / len(requests)))
        for place, own in enumerate(requests)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


def growth() -> list[Figure]:
    """S8: a page of getOrders and an order's timeline with few orders and with a million."""
    large = max(int(LARGE * SCALE), 5 * SMALL)
    with contextlib.ExitStack() as stack:
        few, many = (stack.enter_context(_grown(count)) for count in (SMALL, large))
        pages = in_turn({"many": list_orders(many[0]), "few": list_orders(few[0])})
        timelines = in_turn({"many": _timeline(*many), "few": _timeline(*few)})
    note = f"{large:,} and {SMALL:,} orders, copied into the store"
    figures = []
    for what, measured in (("a page of getOrders", pages), ("an order's timeline", timelines)):
        value, spread = ratio(measured["few"], measured["many"])
        figures.append(
            Figure(
                id="S8",
                what=f"{what}: its time with many orders, of that with few",
                measured=value,
                goal=1.5,
                at_least=False,
                ours=f"{statistics.median(measured['many']):.4g}/s",
                other=f"{statistics.median(measured['few']):.4g}/s",
                spread=spread,
                note=note,
            )
        )
    return figures


@contextlib.contextmanager
def _grown(count: int) -> Iterator[tuple[dict, str]]:
    """A sandbox over a store with so many paid orders; its ready line, and one of the orders."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "store.sqlite"
        with running("--store", str(file), "--seed", "8") as (ready, _):
            ask = asking(ready)
            player = ask("/players", {})["user_id"]
            ask("/products", {"product_id": "1002"})
            wish = {"player": player, "product": "1002", "paid": True, "callback": "lost"}
            order = ask("/orders", wish)["order"]["order_id"]
        _copy_orders(file, order, count)
        with running("--store", str(file), "--seed", "8") as (ready, _):
            yield ready, order


def _copy_orders(file: Path, order: str, count: int) -> None:
    """So many copies of an order with ids and payment times of their own."""
    connection = sqlite3.connect(file)
    names = [row[1] for row in connection.execute("PRAGMA table_info(orders)")]
    own = {"order_id": "printf('grown%024d', n)", "number": "1000000 + n", "paid_at_s": "paid_at_s - n"}
    columns = ", ".join(names)
    values = ", ".join(own.get(name, name) for name in names)
    connection.execute(
        "WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < ?) "
        f"INSERT INTO orders ({columns}) SELECT {values} FROM orders, counted WHERE order_id = ?",
        (count - 1, order),
    )
    connection.execute("UPDATE listed_orders SET count = ?", (count,))
    connection.commit()
    connection.close()


def _timeline(ready: dict, order: str) -> Callable[[], float]:
    from bench_endpoints import READS
    from load import rate

    url = ready["control_url"]
    headers = [("Authorization", f"Bearer {ready['control_token']}")]
    path = f"{url}/_control/v1/orders/{order}/timeline"
    request = request_bytes(path, headers=headers)
    if Client(url).ask(request)[0] == 404:  # before timelines: the order with its deliveries
        request = request_bytes(path.removesuffix("/timeline"), headers=headers)
    return lambda: rate(url, [request] * scaled(READS))


def tenants() -> list[Figure]:
    """A workspace made in one call, and many workspaces at once: does anything leak from one to another?"""
    with running() as (ready, _):
        ask = asking(ready)
        times_ms = []
        for number in range(scaled(60, least=20)):
            began_s = time.perf_counter()
            ask("/workspaces", {"name": f"one-{number}", "seed": number})
            times_ms.append((time.perf_counter() - began_s) * 1000)
        wrong, calls = _mixed(ready)
    return [
        Figure(
            id="W1",
            what="a new workspace, from call to answer (median)",
            measured=statistics.median(times_ms),
            goal=20,
            at_least=False,
            unit=" ms",
            spread=(min(times_ms), max(times_ms)),
            note=f"{len(times_ms)} in a row",
        ),
        Figure(
            id="W2",
            what=f"things of another workspace seen in {calls:,} mixed calls",
            measured=wrong,
            goal=0,
            at_least=False,
            note=f"{TENANTS} workspaces at once, 16 connections",
        ),
    ]


def _mixed(ready: dict) -> tuple[int, int]:
    """How many answers held something of another workspace, and how many calls were made."""
    rounds = max(int(MIXED_CALLS * SCALE) // TENANTS // 5, 2)
    counts: list[tuple[int, int]] = []
    failures: list[BaseException] = []

    def live(names: list[str]) -> None:
        try:
            ask = asking(ready)
            counts.extend(_live(ready, ask, name, rounds) for name in names)
        except BaseException as error:  # noqa: BLE001 - told below
            failures.append(error)

    names = [f"many-{number}" for number in range(TENANTS)]
    threads = [threading.Thread(target=live, args=(names[start::16],)) for start in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sum(wrong for wrong, _ in counts), sum(calls for _, calls in counts)


def _live(ready: dict, ask: Callable[..., dict], name: str, rounds: int) -> tuple[int, int]:
    """One workspace's life: players, orders, tokens, lists; all that is listed must be its own."""
    ask("/workspaces", {"name": name, "seed": 1})
    base, mine, wrong = f"/w/{name}", set(), 0
    user = str(10_000 + int(name.rpartition("-")[2]))
    ask(f"{base}/players", {"user_id": user, "username": name})
    ask(f"{base}/products", {"product_id": "1002"})
    for _ in range(rounds):
        wish = {"player": user, "product": "1002", "paid": True, "callback": "lost"}
        mine.add(ask(f"{base}/orders", wish)["order"]["order_id"])
        listed = {order["order_id"] for order in ask(f"{base}/orders", None)["orders"]}
        players = [player["user_id"] for player in ask(f"{base}/players", None)["players"]]
        sent = {one["order_id"] for one in ask(f"{base}/deliveries", None)["deliveries"]}
        told = ask(f"{base}/tokens", {"player": user})["claims"]
        wrong += (listed != mine) + (players != [user]) + (sent != mine) + (user not in json.dumps(told))
    return wrong, 3 + 5 * rounds
