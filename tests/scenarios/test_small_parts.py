"""Durations, moments, templates, matchers and masks: the small pure parts."""

import pytest
from coinslot_scenarios.durations import parse_duration, resolve_moment
from coinslot_scenarios.matchers import ABSENT, describe, matches, upper_bound
from coinslot_scenarios.readings import Reading, quantify
from coinslot_scenarios.secrets_mask import Masker
from coinslot_scenarios.templates import NameUnknown, fill, lookup_in, names_in


@pytest.mark.parametrize(("text", "seconds"), [("250ms", 0.25), ("2s", 2.0), ("1m", 60.0), ("1.5h", 5400.0)])
def test_a_duration_has_a_number_and_a_unit(text, seconds):
    """The four units of the grammar."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["2", "2 s", "s", "-1s", "1d", ""])
def test_a_duration_without_a_known_unit_is_an_error(text):
    """A bare number would be a guess."""
    with pytest.raises(ValueError, match="no duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("now", 1000),
        ("now+30s", 1030),
        ("now-1h", -2600),
        ("now+1m", 1060),
        ("then", "then"),
        (5, 5),
        (None, None),
    ],
)
def test_a_moment_becomes_whole_seconds_and_all_else_stays(written, seconds):
    """now, now+30s and now-1h are values of the grammar."""
    assert resolve_moment(written, now_s=1000.9) == (seconds if written != "now-1h" else -2599)


def test_a_template_alone_keeps_the_type_of_its_value():
    """`"${copies}"` is a number where copies is one."""
    names = lookup_in({"copies": 3, "flag": True, "player": {"id": "257"}})

    assert fill({"a": "${copies}", "b": ["${flag}"], "c": "${player.id}"}, names) == {
        "a": 3,
        "b": [True],
        "c": "257",
    }


def test_a_template_inside_text_is_written_out():
    """Truth values as JSON spells them; `$${` is a literal."""
    names = lookup_in({"n": 3, "yes": True, "none": None})

    assert fill("x${n}-${yes}-${none}-$${n}", names) == "x3-true--${n}"


def test_an_unknown_name_in_a_template_is_an_error():
    """Never an empty text by accident."""
    with pytest.raises(NameUnknown):
        fill("${nobody}", lookup_in({}))


def test_the_names_in_a_value_come_with_their_paths():
    """So that an error can point at them."""
    found = list(names_in({"a": ["${x}", {"b": "${y.z} $${no}"}]}))

    assert found == [(("a", 0), "x"), (("a", 1, "b"), "y.z")]


@pytest.mark.parametrize(
    ("expected", "actual", "holds"),
    [
        (1, 1, True),
        (1, True, False),
        ("200", 200, False),
        ({"gte": 1, "lte": 3}, 3, True),
        ({"gte": 1, "lte": 3}, 4, False),
        ({"in": [1, "a"]}, "a", True),
        ({"not": "x"}, "y", True),
        ({"not": "x"}, "x", False),
        ({"matches": "^ab"}, "abc", True),
        ({"matches": "^ab"}, 5, False),
        ({"type": "integer"}, 5, True),
        ({"type": "integer"}, True, False),
        ({"type": "null"}, None, True),
        ({"absent": True}, ABSENT, True),
        ({"absent": True}, None, False),
        (None, ABSENT, False),
    ],
)
def test_a_matcher_compares_by_value_and_type(expected, actual, holds):
    """true is not 1, "1" is not 1, null is not absent."""
    assert matches(expected, actual) is holds


@pytest.mark.parametrize(
    ("expected", "bound"), [(1, 1), ({"lte": 2}, 2), ({"gte": 1}, float("inf")), ({"in": [0, 3]}, 3)]
)
def test_a_counter_beyond_the_bound_is_refuted_for_good(expected, bound):
    """The second arrivedorder refutes times: 1."""
    assert upper_bound(expected) == bound


def test_an_expectation_is_described_in_words():
    """For people, not for parsers."""
    assert describe({"gte": 1, "lte": 3}) == "at least 1 and at most 3"


def _reading(holds, **facts):
    return Reading(holds=holds, expected="e", got="g", **facts)


@pytest.mark.parametrize(("of", "holds"), [("every", False), ("any", True), ("first", True), ("last", False)])
def test_a_quantifier_picks_the_readings_that_count(of, holds):
    """of: every | any | first | last."""
    readings = [_reading(True), _reading(False)]

    assert quantify(readings, of).holds is holds


def test_any_is_refuted_only_when_all_are():
    """One that can still come true keeps `any` open."""
    assert not quantify([_reading(False, refuted=True), _reading(False)], "any").refuted
    assert quantify([_reading(False, refuted=True)] * 2, "any").refuted


def test_a_registered_secret_is_cut_wherever_it_stands():
    """Secrets are masked in every output."""
    masker = Masker()
    masker.add("super-secret-shared-key", None, "abc")

    assert masker.mask("key=super-secret-shared-key abc") == "key=supe…ey abc"
