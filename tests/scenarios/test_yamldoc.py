"""YAML is read alike with and without libyaml: the same values, places and names of mistakes."""

from pathlib import Path

import coinslot_scenarios
import pytest
import yaml
from coinslot_scenarios import yamldoc
from coinslot_scenarios.load import suite_files

PROFILES = sorted((Path(coinslot_scenarios.__file__).parent / "backends").rglob("profile.yaml"))
TEXTS = {
    "nothing": "",
    "scalars": "a: 0o7\nb: .5\nc: 1e3\nd: ~\ne: yes\nf: 'x'\ng: \"y\\n\"\nh: true\n",
    "blocks": "a: |\n  t\n  u\nb: >-\n  f\n",
    "flow": "a: {b: [1, x, {c: d}], e: }\n",
    "anchors": "- &x {a: 1}\n- *x\n",
    "beyond ASCII": "é: ü\n😀b: {😀: x}\n",
    "lines of Windows": "a: 1\r\nb: 2\r\n",
    "two documents": "- 1\n---\n- 2\n",
    "tags": "a: !!str 1\nb: !x y\nc: ! z\n",
    "a key twice": "a: 1\na: 2\n",
    "a merge key": "a: &a {x: 1}\nb: {<<: *a}\n",
    "an anchor that holds itself": "&a [*a]\n",
    "an end that is missing": "a: 1\nb: !x [1,\n",
    "a tab": "\t a: 1",
    "a character that is forbidden": "a: 1\nb: \0",
    "too deep": "[" * 5000,
    "too many digits": "a: " + "1" * 50,
}


@pytest.mark.parametrize(
    "text",
    [*TEXTS.values(), *(file.read_text("utf-8") for file in [*suite_files(), *PROFILES])],
    ids=[*TEXTS, *(file.stem for file in suite_files()), *(file.parent.name for file in PROFILES)],
)
def test_a_text_is_read_alike_with_and_without_libyaml(text, monkeypatch):
    """What a person is told does not depend on how PyYAML was built."""
    with_it = yamldoc.parse_documents(text, file="x.yaml")
    monkeypatch.setattr(yamldoc, "_FastLoader", yamldoc._Loader)

    assert with_it == yamldoc.parse_documents(text, file="x.yaml")


def test_libyaml_is_used_where_it_is_there():
    """It takes a fifth of the time, and the suite is read at each start."""
    assert (yamldoc._FastLoader is not yamldoc._Loader) is bool(yaml.__with_libyaml__)
