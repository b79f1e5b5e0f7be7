"""A real browser for tests: Debian's chromium, driven by selenium, without a network beyond this machine.

What it asked for and what its console said is kept, so that a test can judge both.
"""

import json
import shutil
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from coinslot_testkit.waiting import until

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


class Browser:
    """A context manager; `driver` is selenium's."""

    def __init__(self) -> None:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for flag in FLAGS:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *details: object) -> None:
        self.driver.quit()

    def resize(self, width: int, height: int = 900) -> None:
        """Take the size of a screen."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def open(self, url: str) -> None:
        """Go somewhere."""
        self.driver.get(url)

    def find(self, selector: str) -> Any:
        """The first element that a CSS selector finds, once it is there."""
        return self.until(lambda: next(iter(self.all(selector)), None), f"no element {selector}")

    def all(self, selector: str) -> list[Any]:
        """Every element that a CSS selector finds now."""
        return self.driver.find_elements("css selector", selector)

    def named(self, name: str, within: str = "main") -> Any:
        """The first button, link or summary of this text that is shown."""

        def look() -> Any:
            found = self.all(f"{within} button, {within} a, {within} summary")
            return next((item for item in found if item.text == name and item.is_displayed()), None)

        return self.until(look, f"nothing named {name} in {within}")

    def text(self, selector: str = "body") -> str:
        """What is shown."""
        return str(self.find(selector).text)

    def run(self, script: str, *given: Any) -> Any:
        """The value of a script."""
        return self.driver.execute_script(script, *given)

    def until(self, look: Callable[[], Any], otherwise: str) -> Any:
        """What `look` gives, once it gives something; what is replaced meanwhile is looked for again.

        AssertionError where that never happens
        """
        from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException

        def looked() -> Any:
            try:
                return look()
            except (NoSuchElementException, StaleElementReferenceException):
                return None

        return until(looked, says=otherwise)

    def console(self) -> list[str]:
        """What the console said since it was last asked, warnings and errors."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] != "INFO"]

    def hosts(self) -> set[str]:
        """Every host that a page has asked since this was last asked."""
        found: set[str] = set()
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                parts = urlsplit(message["params"]["request"]["url"])
                if parts.scheme in ("http", "https", "ws", "wss"):
                    found.add(parts.netloc)
        return found
