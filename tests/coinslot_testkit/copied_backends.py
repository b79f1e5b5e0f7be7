"""The backends that teams copy, Node and Java, started exactly as their own profiles say."""

import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml
from coinslot_testkit.backend_process import Backend, environment
from coinslot_testkit.fake_portal import FakePortal
from coinslot_testkit.fake_seller import FakeSeller
from coinslot_testkit.tools import ROOT

TOOLS = {"node": "node-backend", "java": "java"}
COPIED = [pytest.param(name, marks=pytest.mark.tool(tool)) for name, tool in TOOLS.items()]
ASKING = [pytest.param("node-sidecar", marks=pytest.mark.tool("node"))]
"""Copied backends that verify nothing themselves: they ask the sidecar, which their own start runs."""
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class CopiedBackend(Backend):
    """A running backend of both portals."""

    process: "subprocess.Popen[bytes]"


@dataclass(frozen=True, kw_only=True)
class CopiedStage:
    """A backend between its portals: a stage for the demonstrations of either."""

    portal: FakePortal
    seller: FakeSeller
    backend: CopiedBackend


def at_once(copies: int, act: Callable[[], Result]) -> list[Result]:
    """Do it several times, started together."""
    barrier = threading.Barrier(copies)

    def one(_: int) -> Result:
        barrier.wait(10)
        return act()

    with ThreadPoolExecutor(copies) as pool:
        return list(pool.map(one, range(copies)))


def folder_of(name: str) -> Path:
    """Where a backend lies."""
    return ROOT / "scenarios/coinslot_scenarios/backends" / name


def start_section(name: str) -> dict[str, Any]:
    """What the backend's own profile says of its start."""
    profile = yaml.safe_load((folder_of(name) / "profile.yaml").read_text("utf-8"))
    section: dict[str, Any] = profile["start"]
    return section


def _command(name: str) -> list[str]:
    program, *arguments = start_section(name)["command"]
    return [shutil.which(program) or program, *arguments]


def _environment(name: str, portal: FakePortal, **more: str) -> dict[str, str]:
    # the shared key of these tests is not ASCII, and a JDK reads it only in a locale that is not either
    own = {"PLAYGAMA_URL": "", "JOURNAL_FILE": "", "LC_ALL": "C.UTF-8"}
    return environment(portal, **{**own, **start_section(name).get("env", {}), **more})


@contextmanager
def start_copied(name: str, portal: FakePortal, **more: str) -> Iterator[CopiedBackend]:
    """The backend while the block runs; `more` goes into its environment."""
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            _command(name),
            cwd=folder_of(name),
            env=_environment(name, portal, **more),
            stdout=subprocess.PIPE,
            stderr=complaints,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline().decode().strip()
            complaints.seek(0)
            assert line.startswith("http://"), complaints.read().decode(errors="replace")
            yield CopiedBackend(url=line, process=process)
        finally:
            process.terminate()
            process.communicate(timeout=10)


def refused_start(name: str, portal: FakePortal, **more: str) -> "subprocess.CompletedProcess[str]":
    """A start that is expected to fail."""
    return subprocess.run(
        _command(name),
        cwd=folder_of(name),
        env=_environment(name, portal, **more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
