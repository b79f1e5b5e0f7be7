"""The page as a browser without scripts sees it: forms, redirects and a cookie."""

import html
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from coinslot_testkit.sandbox_client import Reply, SandboxClient


@dataclass(slots=True)
class PageClient:
    """A signed-in visitor of one sandbox's page."""

    client: SandboxClient
    cookie: str = field(default="")

    @property
    def base_url(self) -> str:
        """Where the page is."""
        return str(self.client.ready["control_url"])

    def sign_in(self) -> Reply:
        """Show the token, and keep the session."""
        reply = self.ask("GET", f"/?token={self.client.ready['control_token']}")
        self.cookie = reply.headers["Set-Cookie"].split(";")[0]
        return reply

    def ask(self, method: str, path: str, *, form: dict[str, str] | None = None, **headers: str) -> Reply:
        """One request; redirects are not followed."""
        sent = {"Cookie": self.cookie} if self.cookie else {}
        if form is not None:
            sent |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.base_url}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        body = None if form is None else urlencode(form)
        return self.client.send(method, self.base_url + path, headers=sent, body=body)

    def see(self, path: str) -> str:
        """A screen that must be there; its HTML."""
        reply = self.ask("GET", path)
        assert reply.status == 200, (path, reply.status, reply.body[:2000])
        return reply.body.decode()

    def click(self, steps: list[Any], *, back: str = "/w/default/", **fields: str) -> str:
        """Send what a button sends; the page that follows."""
        form = {"do": json.dumps(steps), "label": "Clicked", "back": back, **fields}
        place = "/".join(back.split("/")[:3])
        reply = self.ask("POST", f"{place}/click", form=form)
        assert reply.status == 303, (reply.status, reply.body[:500])
        return self.see(reply.headers["Location"])


def payloads(page: str) -> list[Any]:
    """The steps of every button of a page."""
    found = re.findall(r'name="do" value="([^"]*)"', page)
    return [json.loads(html.unescape(text)) for text in found]


def commands(page: str) -> list[str]:
    """Every curl command of a page."""
    return [html.unescape(text) for text in re.findall(r'<pre id="[^"]*-curl-\d+"[^>]*>([^<]*)</pre>', page)]
