"""The bare things that ours is compared with, each a process of its own: `python limits.py NAME PORT […]`.

bare FILE    one WSGI function that returns a file's bytes, on the server that the sandbox stands on
flask FILE   Flask returning the same bytes, on the same server
shop FILE    Flask and SQLAlchemy inserting and reading orders in a SQLite file, on the same server
"""

import json
import sys
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from cheroot import wsgi

App = Callable[..., Iterable[bytes]]


def bare(file: str) -> App:
    """No framework, no log."""
    body = Path(file).read_bytes()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", headers)
        return [body]

    return app


def plain_flask(file: str) -> App:
    """What one would write in five minutes."""
    from flask import Flask, Response

    body = Path(file).read_bytes()
    app = Flask("plain")
    app.add_url_rule("/publicKey.json", view_func=lambda: Response(body, content_type="application/json"))
    return app


def shop(file: str) -> App:
    """An order inserted and committed, an order read: nothing else, no log."""
    from flask import Flask, jsonify, request
    from sqlalchemy import Column, MetaData, String, Table, create_engine, event, insert, select

    engine = create_engine(f"sqlite:///{file}", connect_args={"check_same_thread": False, "timeout": 10})
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA journal_mode = WAL"))
    metadata = MetaData()
    names = ("player", "product", "state")
    orders = Table(
        "orders", metadata, Column("order_id", String, primary_key=True), *(Column(n, String) for n in names)
    )
    metadata.create_all(engine)
    app = Flask("shop")

    @app.post("/orders")
    def create() -> Any:
        given = json.loads(request.get_data())
        row = {**given, "order_id": given.get("order_id") or uuid.uuid4().hex, "state": "created"}
        with engine.begin() as connection:
            connection.execute(insert(orders).values(row))
        return jsonify(row), 201

    @app.get("/orders/<order_id>")
    def read(order_id: str) -> Any:
        with engine.connect() as connection:
            row = connection.execute(select(orders).where(orders.c.order_id == order_id)).mappings().one()
        return jsonify(dict(row))

    return app


def main(name: str, port: str, *arguments: str) -> None:
    """Serve until killed."""
    app = {"bare": bare, "flask": plain_flask, "shop": shop}[name](*arguments)
    server = wsgi.Server(("127.0.0.1", int(port)), app, numthreads=48)
    server.start()


if __name__ == "__main__":
    main(*sys.argv[1:])
