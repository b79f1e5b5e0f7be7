"""docs/control-api.md: made from the OpenAPI document, complete, and right to the last command."""

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from coinslot_contracts.portal import discover
from coinslot_sandbox.control.openapi import document
from coinslot_testkit.sandbox_process import SandboxProcess

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/control-api.md").read_text("utf-8")
COUNTING_CURL = """
curl() {
  command curl -w '%{stderr}STATUS %{http_code}\\n' "$@"
}
"""


def _tool():
    spec = importlib.util.spec_from_file_location("make_control_page", ROOT / "tools/make_control_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _sections():
    """Title, promised status and commands of every call, in the order of the page."""
    return re.findall(r"\n## (\w+ \S+)\n\n.*? Answers (\d+)\.\n\n```sh\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_is_what_the_document_makes():
    """`make docs` was run after the last change of the API."""
    assert _tool().page(document(discover())) == PAGE


def test_every_call_has_its_example():
    """A call without one is put into `openapi_examples`."""
    assert _tool().without_example(document(discover())) == []


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    """What curl said on standard error, section by section, on a fresh sandbox."""
    folder = tmp_path_factory.mktemp("page")
    start = re.search(r"api=.*?\nauth=.*?\n", PAGE)[0]
    marks = [
        f"echo 'SECTION {number}' >&2\n{commands}" for number, (_, _, commands) in enumerate(_sections())
    ]
    process = SandboxProcess(
        {"COINSLOT_CONTROL_TOKEN": "by-hand"}, game_id="9943", shared_key="rehearsal-key", seed=7, quiet=True
    )
    with process as sandbox:
        script = COUNTING_CURL + start + "".join(marks)
        script = script.replace("http://127.0.0.1:7712", sandbox.ready["control_url"])
        script = script.replace("127.0.0.1:8080", "127.0.0.1:9")
        bash = [shutil.which("bash"), "-u", "-c", script]
        done = subprocess.run(
            bash, cwd=folder, capture_output=True, text=True, timeout=110, check=False, env=dict(os.environ)
        )
    return [part.splitlines() for part in done.stderr.split("SECTION ")[1:]]


@pytest.mark.tool("bash", "curl")
def test_every_command_is_answered_as_the_page_says(typed):
    """The last curl of each section has the promised status, those before it some success."""
    answered = {}
    for (title, promised, _), lines in zip(_sections(), typed, strict=True):
        statuses = re.findall(r"STATUS (\d+)", "\n".join(lines))
        answered[title] = [*statuses[:-1], *(["promised"] if statuses[-1:] == [promised] else statuses[-1:])]

    wrong = {
        title: statuses
        for title, statuses in answered.items()
        if statuses[-1:] != ["promised"] or any(not status.startswith("2") for status in statuses[:-1])
    }
    assert wrong == {}
    assert len(answered) == PAGE.count("\n## ")
