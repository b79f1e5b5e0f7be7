"""The run as JUnit XML: one testcase for each item, with file, line, clause, level and seed.

Not applicable is skipped with its reason; a warning passes and says so in system-out.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from coinslot_scenarios.perform import Outcome
from coinslot_scenarios.report.failure import message
from coinslot_scenarios.verdicts import Verdict

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(outcomes: Sequence[Outcome], *, path: Path, seed: int, name: str) -> None:
    """Write the file; OSError where that fails."""
    suite = ET.Element("testsuite", name=name, tests=str(len(outcomes)))
    for verdict, attribute in (
        (Verdict.ERROR, "errors"),
        (Verdict.NOT_APPLICABLE, "skipped"),
    ):
        suite.set(attribute, str(sum(outcome.verdict is verdict for outcome in outcomes)))
    failed = (Verdict.FAIL, Verdict.INCONCLUSIVE)
    suite.set("failures", str(sum(outcome.verdict in failed for outcome in outcomes)))
    suite.set("time", f"{sum(outcome.took_s for outcome in outcomes):.3f}")
    for outcome in outcomes:
        suite.append(_testcase(outcome, seed))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    path.write_bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _testcase(outcome: Outcome, seed: int) -> ET.Element:
    scenario = outcome.item.scenario
    case = ET.Element(
        "testcase",
        classname=f"coinslot.{scenario.portal}.{scenario.id}",
        name=outcome.item.name,
        file=scenario.place.file,
        line=str(scenario.place.line),
        time=f"{outcome.took_s:.3f}",
    )
    properties = ET.SubElement(case, "properties")
    facts = {
        "clause": " ".join(scenario.clauses),
        "level": scenario.level,
        "seed": str(seed),
        "verdict": outcome.verdict.value,
    }
    for name, value in facts.items():
        ET.SubElement(properties, "property", name=name, value=value)
    _verdict(case, outcome)
    return case


def _verdict(case: ET.Element, outcome: Outcome) -> None:
    if outcome.verdict is Verdict.NOT_APPLICABLE:
        ET.SubElement(case, "skipped", message=f"not applicable: {outcome.reason}")
    elif outcome.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR):
        tag = "error" if outcome.verdict is Verdict.ERROR else "failure"
        title = outcome.reason or outcome.item.scenario.title
        ET.SubElement(case, tag, type=outcome.verdict.value, message=_clean(title)).text = _clean(
            message(outcome)
        )
    elif outcome.verdict in (Verdict.WARN, Verdict.INFO):
        ET.SubElement(case, "system-out").text = _clean(message(outcome))
    elif outcome.notes:
        ET.SubElement(case, "system-out").text = _clean("\n".join(outcome.notes))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("�", text)
