"""A run of pytest inside a test, in a process of its own: with the plugins that it is about, and no other.

Loading every plugin that is installed beside it costs several seconds of processor time for each process, and
what a machine has installed would decide what the run shows.
"""

import os
import subprocess
import sys
from pathlib import Path


def run_inner_pytest(
    *arguments: object,
    cwd: Path,
    plugins: tuple[str, ...] = (),
    all_plugins: bool = False,
    program: tuple[str, ...] = ("-m", "pytest"),
    **environ: str,
) -> "subprocess.CompletedProcess[str]":
    """Run it in a folder.

    plugins      names of entry points, as pip installed them
    all_plugins  load whatever is installed, as a team's own run does
    program      what Python is to run
    """
    named = [part for plugin in plugins for part in ("-p", plugin)]
    order = ["-p", "no:randomly"] if all_plugins else []
    alone = {} if all_plugins else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        [sys.executable, *program, *order, *named, "-p", "no:cacheprovider", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **alone, **environ},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
