"""S1, S2, S3, S4: what an answer of the sandbox costs, beside bare WSGI, plain Flask and others.

One connection each, in turn; every request differs where it carries anything. The limits run on the server
that the sandbox stands on.
"""

import contextlib
import hashlib
import itertools
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import peers
from bench_sandbox import asking, running
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from load import Client, rate, request_bytes, scaled
from rounds import Figure, compared, in_turn, not_measured

READS, WRITES, SIGNINGS = 400, 150, 200
NUMBERS = itertools.count(1)

Candidate = Callable[[], float]


class Field:
    """The candidates of one bench; a peer that is missing keeps its place, with the reason."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self.candidates: dict[str, Candidate] = {}
        self.missing: dict[str, str] = {}

    def add(
        self, name: str, server: contextlib.AbstractContextManager[tuple[str, int]], make: Callable
    ) -> None:
        """Start a server and let `make` turn its URL into a candidate."""
        try:
            url, _ = self._stack.enter_context(server)
            candidate = make(url)
            candidate()  # one that cannot answer is missing, too
            self.candidates[name] = candidate
        except (peers.PeerMissing, AssertionError, OSError) as error:
            self.missing[name] = str(error)[:160] or type(error).__name__

    def figures(self, goal_id: str, what: str, goals: dict[str, float]) -> list[Figure]:
        """Ours against each of the goals' candidates."""
        measured = in_turn(self.candidates)
        return [
            compared(goal_id, what.format(name=name), measured, ("ours", name), goal=goal)
            if name in measured
            else not_measured(goal_id, what.format(name=name), goal, self.missing.get(name, "not started"))
            for name, goal in goals.items()
        ]


def _reading(url: str, request: Callable[[], bytes], *, count: int, status: int = 200) -> Candidate:
    return lambda: rate(url, [request() for _ in range(scaled(count))], status=status)


def _same(url: str, path: str) -> Candidate:
    request = request_bytes(url + path)
    return _reading(url, lambda: request, count=READS)


def keys() -> list[Figure]:
    """S1: the public key and the key set."""
    figures = []
    with tempfile.TemporaryDirectory() as name, running() as (ready, _):
        for what, url, path in _key_places(ready):
            with contextlib.ExitStack() as stack:
                field = Field(stack)
                _, body = Client(url).ask(request_bytes(url + path))
                file = Path(name) / "body.json"
                file.write_bytes(body)
                field.candidates["ours"] = _same(url, path)
                field.add("bare WSGI", peers.own("bare", str(file)), partial(_same, path=path))
                field.add("Flask", peers.own("flask", str(file)), lambda base: _same(base, "/publicKey.json"))
                field.add("oauth2-mock-server", peers.oauth2_mock(), lambda base: _same(base, "/jwks"))
                document = stub_document("get", path, json.loads(body), 200)
                field.add("Prism", peers.prism(document, Path(name)), partial(_same, path=path))
                goals = {"bare WSGI": 0.9, "Flask": 3.0, "oauth2-mock-server": 4.0, "Prism": 5.0}
                figures += field.figures("S1", f"{what}, of {{name}}", goals)
    return [*figures, not_measured("S1", "keys, of WireMock", 1.3, peers.WIREMOCK)]


def _key_places(ready: dict) -> Iterator[tuple[str, str, str]]:
    yield "publicKey.json", ready["jogos"]["web_url"], "/publicKey.json"
    yield "key set", ready["playgama"]["url"], "/.well-known/jwks.json"


def tokens() -> list[Figure]:
    """S2: a user token minted through the control API, beside the bare signing."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def signings() -> float:
        count = scaled(SIGNINGS)
        began_s = time.perf_counter()
        for number in range(count):
            private.sign(f"{number}".encode(), padding.PKCS1v15(), SHA256())
        return count / (time.perf_counter() - began_s)

    with contextlib.ExitStack() as stack:
        ready, _ = stack.enter_context(running())
        ask = asking(ready)
        ids = [ask("/players", {})["user_id"] for _ in range(20)]
        field = Field(stack)
        field.candidates["bare RSA signing"] = signings
        field.candidates["ours"] = _control(
            ready, "/tokens", lambda: {"player": ids[next(NUMBERS) % 20]}, count=SIGNINGS, status=200
        )
        field.add("oauth2-mock-server", peers.oauth2_mock(), _grant)
        goals = {"bare RSA signing": 0.6, "oauth2-mock-server": 2.0}
        return field.figures("S2", "a user token minted, of {name}", goals)


def _grant(url: str) -> Candidate:
    headers = [("Content-Type", "application/x-www-form-urlencoded")]

    def request() -> bytes:
        body = f"grant_type=client_credentials&scope=s{next(NUMBERS)}".encode()
        return request_bytes(f"{url}/token", method="POST", body=body, headers=headers)

    return _reading(url, request, count=SIGNINGS)


def _control(ready: dict, path: str, body: Callable[[], dict], *, count: int, status: int) -> Candidate:
    headers = [("Authorization", f"Bearer {ready['control_token']}")]
    url = ready["control_url"]

    def request() -> bytes:
        raw = json.dumps(body()).encode()
        return request_bytes(f"{url}/_control/v1{path}", method="POST", body=raw, headers=headers)

    return _reading(url, request, count=count, status=status)


def orders() -> list[Figure]:
    """S3: an order created, committed and journalled."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ready, _ = stack.enter_context(running())
        ask = asking(ready)
        player = ask("/players", {})["user_id"]
        ask("/products", {"product_id": "1002"})
        wish = {"player": player, "product": "1002"}
        field = Field(stack)
        field.candidates["ours"] = _control(ready, "/orders", lambda: wish, count=WRITES, status=201)
        posting = lambda base: _posting(base, "/orders", {"player": "1", "product": "1002"}, 201)  # noqa: E731
        field.add("Flask + SQLAlchemy", peers.own("shop", str(folder / "shop.sqlite")), posting)
        field.add("Prism's stub", peers.prism(stub_document("post", "/orders", wish, 201), folder), posting)
        stub = peers.mockoon([("POST", "/orders", json.dumps(wish))], folder)
        field.add("Mockoon", stub, lambda base: _posting(base, "/orders", wish, 200))
        field.add("moto", peers.moto(), lambda base: _dynamo(base, is_write=True))
        field.add("localstripe", peers.localstripe(), _customers)
        goals = {
            "Flask + SQLAlchemy": 1.3,
            "Prism's stub": 1.0,
            "Mockoon": 5.0,
            "moto": 6.0,
            "localstripe": 40.0,
        }
        return field.figures("S3", "an order created, of {name}", goals)


def _posting(url: str, path: str, body: dict, status: int) -> Candidate:
    def request() -> bytes:
        raw = json.dumps({**body, "order_id": f"o{next(NUMBERS)}"}).encode()
        headers = [("Content-Type", "application/json")]
        return request_bytes(url + path, method="POST", body=raw, headers=headers)

    return _reading(url, request, count=WRITES, status=status)


def reads() -> list[Figure]:
    """S4: one order verified, a page of twenty listed; answered and journalled."""
    figures = []
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ready, _ = stack.enter_context(running())
        sold = _sold(ready)
        shop = peers.own("shop", str(folder / "shop.sqlite"))
        field = Field(stack)
        field.add("Flask + SQLAlchemy", shop, _shop_read)
        stub = stub_document("get", "/orders/{id}", {"order_id": "o1", "state": "paid"}, 200)
        field.add("Prism's stub", peers.prism(stub, folder), lambda base: _same(base, "/orders/o1"))
        field.add("moto", peers.moto(), lambda base: _dynamo(base, is_write=False))
        goals = {"Flask + SQLAlchemy": 1.3, "Prism's stub": 1.1, "moto": 8.0}
        for what, candidate in (("verify", _verify(ready, sold)), ("getOrders", _list(ready))):
            field.candidates["ours"] = candidate
            figures += field.figures("S4", f"{what}, of {{name}}", goals)
    return figures


def _sold(ready: dict) -> list[str]:
    ask = asking(ready)
    player = ask("/players", {})["user_id"]
    ask("/products", {"product_id": "1002"})
    wish = {"player": player, "product": "1002", "paid": True, "callback": "lost"}
    for _ in range(40):
        ask("/orders", wish)
    bought = [ask("/orders", {**wish, "portal": "playgama"})["order"] for _ in range(40)]
    return [f"orderId={order['order_id']}&externalId={order['external_id']}" for order in bought]


def _verify(ready: dict, sold: list[str]) -> Candidate:
    url = ready["playgama"]["url"]
    path = "/api/v1/payments/verify?"
    return _reading(url, lambda: request_bytes(url + path + sold[next(NUMBERS) % len(sold)]), count=READS)


def _list(ready: dict) -> Candidate:
    game, url = ready["jogos"], ready["jogos"]["api_url"]

    def request() -> bytes:
        page = {"gameId": int(game["game_id"]), "pageNo": 1 + next(NUMBERS) % 2, "pageSize": 20}
        raw = json.dumps(page).encode()
        signature = hashlib.sha1(raw + game["shared_key"].encode()).hexdigest()
        headers = [("Authorization", signature), ("Content-Type", "application/json")]
        return request_bytes(f"{url}/api/gamepay/getOrders", method="POST", body=raw, headers=headers)

    return _reading(url, request, count=READS)


def _shop_read(url: str) -> Candidate:
    client = Client(url)
    body = {"order_id": "o1", "player": "1", "product": "1002"}
    client.ask(request_bytes(f"{url}/orders", method="POST", body=json.dumps(body).encode()))
    client.close()
    return _same(url, "/orders/o1")


def _dynamo(url: str, *, is_write: bool) -> Candidate:
    def request(action: str, body: dict) -> bytes:
        headers = [
            ("Content-Type", "application/x-amz-json-1.0"),
            ("X-Amz-Target", f"DynamoDB_20120810.{action}"),
            ("Authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request"),
        ]
        return request_bytes(f"{url}/", method="POST", body=json.dumps(body).encode(), headers=headers)

    table = {
        "TableName": "orders",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    item = {"player": {"S": "1"}, "product": {"S": "1002"}}
    client = Client(url)
    assert client.ask(request("CreateTable", table))[0] == 200
    client.ask(request("PutItem", {"TableName": "orders", "Item": {**item, "id": {"S": "o1"}}}))
    client.close()
    if not is_write:
        get = request("GetItem", {"TableName": "orders", "Key": {"id": {"S": "o1"}}})
        return _reading(url, lambda: get, count=WRITES)

    def put() -> bytes:
        new = {**item, "id": {"S": f"o{next(NUMBERS)}"}}
        return request("PutItem", {"TableName": "orders", "Item": new})

    return _reading(url, put, count=WRITES)


def _customers(url: str) -> Candidate:
    headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Authorization", "Bearer sk_test_12345"),
    ]

    def request() -> bytes:
        body = f"description=c{next(NUMBERS)}".encode()
        return request_bytes(f"{url}/v1/customers", method="POST", body=body, headers=headers)

    return _reading(url, request, count=WRITES // 3)


def stub_document(method: str, path: str, example: object, status: int) -> dict[str, object]:
    """An OpenAPI document with one call and its example."""
    answer = {"description": "done", "content": {"application/json": {"example": example, "schema": {}}}}
    operation: dict[str, object] = {"responses": {str(status): answer}}
    if method == "post":
        operation["requestBody"] = {"content": {"application/json": {"schema": {"type": "object"}}}}
    if "{id}" in path:
        operation["parameters"] = [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
        ]
    return {
        "openapi": "3.0.3",
        "info": {"title": "bench", "version": "1"},
        "paths": {path: {method: operation}},
    }
