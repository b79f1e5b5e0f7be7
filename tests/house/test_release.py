"""The wheel holds the packages with their data, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    f"coinslot_{name}": ROOT / name / f"coinslot_{name}"
    for name in ("contracts", "verifier", "sandbox", "scenarios")
}


def _shipped(folder: Path) -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return {str(Path(*Path(name).parts[1:]).as_posix()) for name in listed if (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = "import hatchling.build, sys; print(hatchling.build.build_wheel(sys.argv[1]))"
    made = subprocess.run(
        [sys.executable, "-c", build, str(folder)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    with zipfile.ZipFile(folder / made.stdout.split()[-1]) as wheel:
        return set(wheel.namelist())


def test_the_wheel_holds_exactly_the_four_packages(wheel_names):
    """Data files live inside the packages, so a folder that is forgotten shows here."""
    expected = {name for folder in PACKAGES.values() for name in _shipped(folder)}

    assert {name for name in wheel_names if ".dist-info/" not in name} == expected


@pytest.mark.parametrize(
    "data",
    [
        "coinslot_contracts/portals/jogos/clauses.toml",
        "coinslot_contracts/portals/jogos/openapi/portal.json",
        "coinslot_contracts/test_key_digests.txt",
        "coinslot_sandbox/data/test-keys.json",
        "coinslot_sandbox/page/static/LICENSES.txt",
        "coinslot_sandbox/page/static/htmx.min.js",
        "coinslot_sandbox/page/templates/base.html",
        "coinslot_scenarios/backends/flask/app.py",
        "coinslot_scenarios/suite/jogos/login/JG-LOGIN-01.yaml",
    ],
)
def test_the_wheel_holds_the_data(wheel_names, data):
    """What a user needs at run time is in the wheel."""
    assert data in wheel_names
