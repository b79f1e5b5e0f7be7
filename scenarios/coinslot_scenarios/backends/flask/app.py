"""A game's server on Flask, integrated with Jogos and Playgama by the book. Copy it: this is the whole of it.

    python app.py [--port 8899]

It reads the environment block (JOGOS_WEB_URL, JOGOS_API_URL, JOGOS_GAME_ID, JOGOS_SHARED_KEY and, or else
nothing answers below /playgama, PLAYGAMA_URL), DATABASE_URL (SQLite or PostgreSQL; by default a temporary
file that is removed at the end) and PORT (0 = any free one).
COINSLOT_BUG=<id> builds in exactly one of the mistakes of `bugs.py`, to show what a failure looks like.
"""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bugs import BUGS
from coinslot_verifier import (
    ConfigInvalid,
    LedgerUnavailable,
    Refused,
    Undecided,
    VerifierConfig,
    open_engine,
)
from flask import Flask, Response, jsonify, request
from game import Game
from outbox import OutboxWorker
from shop import Shop
from shop_routes import members, shop_routes
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.serving import WSGIRequestHandler, make_server

BODY_BYTES_MAX = 1_048_576


def create_app(game: Game, shop: Shop | None, outbox: OutboxWorker) -> Flask:
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_MAX

    @app.post("/login/jogos")
    def log_in() -> tuple[Response, int]:
        try:
            user_id, session = game.log_in(members(request.get_data()).get("token"))
        except Refused as error:
            return jsonify(error=error.code), 401
        except Undecided as error:  # an outage is no forgery: the player may try again
            return jsonify(error=error.code), 503
        return jsonify(user={"id": user_id}, session=session), 200

    @app.post("/jogos/notify")
    def notify() -> Response:
        # raw bytes and the raw header: request.json would lose the spelling, request.authorization the case
        reply = game.notified(request.headers.get("Authorization"), request.get_data())
        outbox.wake()
        return Response(reply.body, reply.status, list(reply.headers))

    @app.errorhandler(LedgerUnavailable)
    @app.errorhandler(SQLAlchemyError)
    def store_down(error: Exception) -> tuple[Response, int]:
        print(f"database: {type(error).__name__}", file=sys.stderr)
        return jsonify(code="500", msg="System error", error="store-unavailable"), 503

    @app.get("/health")
    def health() -> Response:
        return jsonify(ok=True)

    # The two below exist for `coinslot check`. A real server keeps them out of reach of players.

    @app.get("/test/inventory")
    def inventory() -> Response:
        return jsonify(items=game.items(request.args.get("user", "")))

    @app.post("/test/jogos/sync")
    def sync() -> tuple[Response, int]:
        try:
            run = game.reconcile()
            if run.error is not None:  # what was changed before it stays changed, its items with it
                raise run.error
            changes = [*run.changes, *(shop.check_again() if shop else [])]
        except Refused as error:
            return jsonify(error=error.code), 502
        except Undecided as error:
            return jsonify(error=error.code), 503
        outbox.wake()
        return jsonify(
            changes=[{"orderId": change.order_id, "did": change.outcome} for change in changes]
        ), 200

    if shop is not None:
        app.register_blueprint(shop_routes(shop))
    return app


class QuietHandler(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@contextmanager
def database_url() -> Iterator[str]:
    """DATABASE_URL, or a temporary file."""
    if url := os.environ.get("DATABASE_URL"):
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="flask-backend-", ignore_cleanup_errors=True) as folder:
        yield f"sqlite:///{(Path(folder) / 'game.sqlite').as_posix()}"


def serve(game: Game, shop: Shop | None, port: int) -> None:
    outbox = OutboxWorker(game)
    server = make_server(
        "127.0.0.1", port, create_app(game, shop, outbox), threaded=True, request_handler=QuietHandler
    )
    server.daemon_threads = True
    outbox.start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    finally:
        outbox.stop()
        server.server_close()
        game.engine.dispose()


def read_port() -> int:
    parser = argparse.ArgumentParser(description="A game's server on Flask.")
    parser.add_argument("--port", type=int, default=os.environ.get("PORT") or "8899", help="0 = any free one")
    return int(parser.parse_args().port)


def main() -> int:
    port = read_port()
    bug = os.environ.get("COINSLOT_BUG", "")
    if bug and bug not in BUGS:
        print(f"COINSLOT_BUG={bug} is unknown; known are: {', '.join(BUGS)}", file=sys.stderr)
        return 2
    game_class, shop_class = (BUGS[bug].game, BUGS[bug].shop) if bug else (Game, Shop)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with database_url() as url:
            engine = open_engine(url)
            game = game_class(VerifierConfig.from_env(os.environ, portal="jogos"), engine)
            shop = None
            if os.environ.get("PLAYGAMA_URL"):
                shop = shop_class(VerifierConfig.from_env(os.environ, portal="playgama"), engine)
            serve(game, shop, port)
    except KeyboardInterrupt:
        return 130
    except (ConfigInvalid, LedgerUnavailable, OSError, SQLAlchemyError, ValueError) as error:
        print(f"cannot start: {str(error).splitlines()[0]}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
