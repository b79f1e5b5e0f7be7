"""The page as a web application: who may see it, which address shows what, and where a click goes.

A browser proves once that it knows the control token and holds a session value derived from it from then on;
the token itself is in no page. Clicks come from our own pages only, and end in calls of the control API.
"""

import time
import traceback
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from coinslot_contracts.portal import Portal
from flask import Flask, Response, redirect, render_template, request, send_from_directory, url_for
from werkzeug.exceptions import HTTPException

from coinslot_sandbox.http_server import WsgiApp
from coinslot_sandbox.page import facts, shown
from coinslot_sandbox.page.actions import one
from coinslot_sandbox.page.api import Api, Refused
from coinslot_sandbox.page.clicks import Told, click
from coinslot_sandbox.page.facts import Desk
from coinslot_sandbox.page.live import Streams
from coinslot_sandbox.page.session import Session
from coinslot_sandbox.page.views import SCREENS

if TYPE_CHECKING:
    from coinslot_sandbox.control.app import Guard

TOLD_MAX = 200
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "Referrer-Policy": "same-origin",  # with no-referrer a browser would hide our own Origin from us
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
DEFAULT = "default"


def create_page(
    api: WsgiApp,
    *,
    token: str,
    portals: Mapping[str, Portal],
    guard: "Guard",
) -> Flask:
    """The WSGI application of the page.

    api   the control API, whose calls the page makes
    """
    app = Flask("coinslot_page", root_path=str(shown.FOLDER), static_folder=None)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(shown.FILTERS)
    app.jinja_env.globals.update(shown.GLOBALS)
    page = Page(api, token=token, portals=portals)
    gate = _Gate(Session(token), guard)
    app.before_request(gate.check)
    app.after_request(_sealed)
    app.register_error_handler(HTTPException, page.lost)
    app.register_error_handler(Refused, page.refused)
    app.register_error_handler(Exception, page.broken)
    app.add_url_rule("/", "home", lambda: redirect(url_for("screen", workspace=DEFAULT), 303))
    app.add_url_rule("/page/<path:name>", "static", page.file)
    app.add_url_rule("/page/sign-in", "sign_in", gate.sign_in, methods=["GET", "POST"])
    app.add_url_rule("/w/<workspace>/", "screen", page.screen)
    app.add_url_rule("/w/<workspace>/live", "live", page.live)
    app.add_url_rule("/w/<workspace>/click", "click", page.click, methods=["POST"])
    app.add_url_rule("/w/<workspace>/<name>", "screen", page.screen)
    app.add_url_rule("/w/<workspace>/<name>/<path:subject>", "screen", page.screen)
    return app


@dataclass(slots=True)
class _Gate:
    """Lets nobody in who has not shown the token, and takes no click from elsewhere."""

    session: Session
    guard: "Guard"

    def check(self) -> Response | tuple[str, int] | None:
        """The refusal of the request at hand, None where it may go on."""
        refused = self.guard.foreign()
        if refused is not None:
            return refused
        if request.method == "POST" and not _is_of_our_own():
            return _problem(
                403, "This click comes from elsewhere", "Click in a page that this sandbox served."
            )
        given = request.args.get("token")
        if given is not None and request.method == "GET" and self.session.knows(given):
            return self._let_in(request.path if request.path.startswith("/w/") else "/")
        if request.path.startswith("/page/") or self.session.is_open(request):
            return None
        wrong = given is not None
        return render_template("sign_in.html", wrong=wrong, back=_back(request.full_path)), 401

    def sign_in(self) -> Response | tuple[str, int]:
        """The form: the token goes in, a session comes out."""
        back = _back(request.values.get("back", ""))
        if request.method == "POST" and self.session.knows(request.form.get("token", "").strip()):
            return self._let_in(back)
        return render_template("sign_in.html", wrong=request.method == "POST", back=back), 401

    def _let_in(self, back: str) -> Response:
        response: Response = redirect(back, 303)  # type: ignore[assignment]
        self.session.put(response, request)
        return response


@dataclass(slots=True)
class Page:
    """The screens of every workspace."""

    api: WsgiApp
    token: str = field(repr=False, kw_only=True)
    portals: Mapping[str, Portal] = field(kw_only=True)
    streams: Streams = field(default_factory=Streams, kw_only=True)
    told: "OrderedDict[str, Told]" = field(default_factory=OrderedDict, kw_only=True)

    def screen(self, workspace: str, name: str = "start", subject: str = "") -> Any:
        """One screen."""
        show = SCREENS.get((name, bool(subject)))
        if (
            show is None or "/" in subject
        ):  # an id has none, and what follows would be another address of the API
            return _problem(404, "There is no such page", "Begin at the start page.")
        desk = self._desk(workspace)
        return render_template(show.template, **self._frame(desk, name), **show.context(desk, subject))

    def click(self, workspace: str) -> Response:
        """Make the calls of a button, then show the page it was on, with what came of it."""
        told = click(self._api(workspace), request.form)
        key = f"{time.monotonic_ns():x}"
        self.told[key] = told
        while len(self.told) > TOLD_MAX:
            self.told.popitem(last=False)
        back = _back(request.form.get("back", f"/w/{quote(workspace)}/"))
        if told.workspace is not None:
            back = f"/w/{quote(told.workspace)}/"
        return redirect(f"{back}{'&' if '?' in back else '?'}told={key}", 303)  # type: ignore[return-value]

    def live(self, workspace: str) -> Response | tuple[str, int]:
        """Tell a page, as server-sent events, that something has changed."""
        try:
            after = int(request.args.get("after", "0"))
        except ValueError:
            after = 0
        if not self.streams.enter():
            return "", 204  # the page asks now and then without it
        lines: Iterator[bytes] = self.streams.lines(self._api(workspace), after=after)
        response = Response(lines, content_type="text/event-stream")
        response.call_on_close(self.streams.leave)
        return response

    def file(self, name: str) -> Response:
        """A file of ours: style, scripts, licences."""
        response = send_from_directory(shown.FOLDER / "static", name)
        response.headers["Cache-Control"] = "no-cache"
        return response

    def refused(self, error: Refused) -> Any:
        """A view asked the API for something that is not there."""
        problem = error.outcome.value or {}
        return _problem(
            error.outcome.status, problem.get("detail", "This cannot be shown"), problem.get("try", "")
        )

    def lost(self, error: HTTPException) -> Any:
        """An address that there is none of."""
        return _problem(error.code or 400, "There is no such page", "Begin at the start page.")

    def broken(self, error: Exception) -> tuple[str, int]:
        """A fault of our own, shown to the one person who can report it."""
        story = "".join(traceback.format_exception(error))
        says = "The page itself failed; the sandbox goes on"
        return render_template(
            "problem.html", says=says, remedy="Report what stands below.", story=story
        ), 500

    def _api(self, workspace: str) -> Api:
        return Api(self.api, token=self.token, workspace=workspace)

    def _desk(self, workspace: str) -> Desk:
        return Desk(
            api=self._api(workspace),
            portals=self.portals,
            query=request.args.to_dict(),
        )

    def _frame(self, desk: Desk, name: str) -> dict[str, Any]:
        """What every screen shows."""
        return {
            "workspace": desk.api.workspace,
            "workspaces": facts.workspaces(desk.api),
            "new_workspace": one("Make", "POST", "/workspaces"),
            "portals": self.portals,
            "tab": name,
            "here": _here(),
            "base_url": request.host_url.rstrip("/"),
            "last_seq": desk.api.get("/journal", after=facts.NEWEST, limit=1)["last_seq"],
            "told": self.told.get(request.args.get("told", "")),
            "clock": desk.api.get("/clock"),
        }


def _is_of_our_own() -> bool:
    """Whether a POST was made by a page of ours; the guard has refused a foreign Origin already."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("Origin") is not None


def _here() -> str:
    """The address of the page at hand, without what was told once."""
    pairs = [
        f"{quote(name)}={quote(value)}"
        for name, value in request.args.items()
        if name not in ("told", "token")
    ]
    return quote(request.path) + ("?" + "&".join(pairs) if pairs else "")


def _back(path: str) -> str:
    """A page of ours to go back to."""
    path = path.rstrip("?")
    if not path.startswith("/w/") or "\\" in path or any(ord(character) < 32 for character in path):
        return "/"
    kept = [part for part in path.partition("?")[2].split("&") if part and part.split("=")[0] not in _ONCE]
    return path.partition("?")[0] + ("?" + "&".join(kept) if kept else "")


_ONCE = ("told", "token")


def _problem(status: int, says: str, remedy: str) -> tuple[str, int]:
    return render_template("problem.html", says=says, remedy=remedy), status


def _sealed(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response
