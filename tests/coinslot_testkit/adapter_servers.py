"""The adapters behind real servers: Flask on werkzeug, WSGI on wsgiref and on cheroot, FastAPI on uvicorn.

Each is a context manager over (notifications, handle, body_bytes_max) that gives the port; the callback lives
at /notify. It must not parse or judge anything: that is what is tested.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from cheroot.wsgi import Server as CherootServer
from coinslot_testkit.waiting import until
from coinslot_verifier import NotificationVerifier
from coinslot_verifier.adapters import Handle, asgi, wsgi
from coinslot_verifier.adapters.flask import callback_view
from flask import Flask
from werkzeug.serving import WSGIRequestHandler as WerkzeugHandler
from werkzeug.serving import make_server as make_werkzeug_server

WAIT_S = 10.0


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


class _QuietWerkzeug(WerkzeugHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@contextmanager
def _in_thread(run: Callable[[], object], stop: Callable[[], object]) -> Iterator[None]:
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join(WAIT_S)
        assert not thread.is_alive()


@contextmanager
def run_flask(app: Flask) -> Iterator[int]:
    """Any Flask application on werkzeug's server."""
    server = make_werkzeug_server("127.0.0.1", 0, app, threaded=True, request_handler=_QuietWerkzeug)
    with _in_thread(server.serve_forever, server.shutdown):
        yield server.server_port
    server.server_close()


@contextmanager
def flask(notifications: NotificationVerifier, handle: Handle, body_bytes_max: int) -> Iterator[int]:
    app = Flask(__name__)
    app.post("/notify")(callback_view(notifications, handle, body_bytes_max=body_bytes_max))
    with run_flask(app) as port:
        yield port


@contextmanager
def wsgiref(notifications: NotificationVerifier, handle: Handle, body_bytes_max: int) -> Iterator[int]:
    app = wsgi.CallbackApp(notifications, handle, body_bytes_max=body_bytes_max)
    server = make_server("127.0.0.1", 0, app, handler_class=_Quiet)
    with server, _in_thread(lambda: server.serve_forever(poll_interval=0.01), server.shutdown):
        yield server.server_port


@contextmanager
def cheroot(notifications: NotificationVerifier, handle: Handle, body_bytes_max: int) -> Iterator[int]:
    app = wsgi.CallbackApp(notifications, handle, body_bytes_max=body_bytes_max)
    server = CherootServer(("127.0.0.1", 0), app, numthreads=2)
    server.prepare()
    with _in_thread(server.serve, server.stop):
        yield server.bind_addr[1]


@contextmanager
def run_uvicorn(app: Any) -> Iterator[int]:
    """Any ASGI application on uvicorn."""
    import uvicorn as server_of_asgi

    config = server_of_asgi.Config(app, port=0, log_level="critical", ws="none", lifespan="off")
    server = server_of_asgi.Server(config)
    with _in_thread(server.run, lambda: setattr(server, "should_exit", True)):
        until(lambda: server.started, says="uvicorn did not start")
        yield server.servers[0].sockets[0].getsockname()[1]


@contextmanager
def uvicorn(notifications: NotificationVerifier, handle: Handle, body_bytes_max: int) -> Iterator[int]:
    from fastapi import FastAPI
    from starlette.routing import Route

    app = FastAPI()
    callback = asgi.CallbackApp(notifications, handle, body_bytes_max=body_bytes_max)
    app.router.routes.append(Route("/notify", callback))
    app.get("/health")(_health)
    with run_uvicorn(app) as port:
        yield port


async def _health() -> dict[str, bool]:
    return {"ok": True}


Serve = Callable[[NotificationVerifier, Handle, int], AbstractContextManager[int]]
SERVERS: dict[str, Serve] = {"flask": flask, "wsgiref": wsgiref, "cheroot": cheroot, "uvicorn": uvicorn}
