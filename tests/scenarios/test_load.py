"""Scenario files: what is right loads, what is wrong is named at file:line:col, everything at once."""

import pytest
from coinslot_scenarios.load import load_items, suite_files
from coinslot_scenarios.problems import InvalidFiles

HEAD = """\
coinslot: 1
id: MY-CHECK-01
title: A check of tests
clause: [jogos:iap.1]
"""
UNKNOWN_CLAUSE = ":".join(("jogos", "iap.9"))  # apart, because every citation in the sources must exist
STEPS = """\
steps:
  - player: {as: alice}
  - order: {as: o1, player: alice, product: 1}
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def load(text, name="x.yaml"):
        (tmp_path / name).write_text(text, "utf-8")
        return load_items([tmp_path / name])

    return load


@pytest.fixture
def problems(load):
    def problems(text):
        with pytest.raises(InvalidFiles) as caught:
            load(text)
        return [str(problem) for problem in caught.value.problems]

    return problems


def test_a_good_file_loads(load):
    """The positive twin of all that follows."""
    [item] = load(HEAD + STEPS)

    assert (item.name, item.scenario.level, item.exclusive) == ("MY-CHECK-01", "must", False)
    assert [step.verb for step in item.steps] == ["player", "order"]
    assert item.needs == {"jogos.products:1"}


def test_every_shipped_check_loads():
    """The suite is valid, and its first areas are those where causes lie."""
    items = load_items(suite_files())

    assert len({item.scenario.id for item in items}) == 36
    assert items[0].scenario.id == "JG-LOGIN-01"
    assert all(item.scenario.why and item.scenario.fix and item.scenario.catches for item in items)


BAD = {
    "duplicate key": (HEAD + "title: again\n" + STEPS, ["x.yaml:5:1: key 'title' is given twice"]),
    "unknown key": (
        HEAD.replace("title", "titel") + STEPS,
        ["x.yaml:3:1: unknown key 'titel', did you mean 'title'?"],
    ),
    "unknown verb": (
        HEAD + STEPS + "  - odrer: {as: o2}\n",
        ["x.yaml:8:5: unknown verb 'odrer', did you mean 'order'?"],
    ),
    "later verb": (
        HEAD + STEPS + "  - restart: {}\n",
        ["x.yaml:8:5: verb 'restart' needs a later version of coinslot"],
    ),
    "two verbs": (
        HEAD + STEPS + "  - pay: {order: o1}\n    refund: {order: o1}\n",
        ["x.yaml:9:5: one step has two verbs: 'pay' and 'refund'"],
    ),
    "unknown assertion": (
        HEAD + STEPS + "  - pay: {order: o1}\n    expect:\n      - caled: arrivedorder\n",
        ["x.yaml:10:9: unknown assertion 'caled', did you mean 'called'?"],
    ),
    "unknown member": (
        HEAD + STEPS + "  - keys: {portal: jogos, rotat: replace}\n",
        ["x.yaml:8:27: unknown key 'rotat', did you mean 'rotate'?"],
    ),
    "missing member": (
        HEAD + STEPS + "  - keys: {portal: jogos}\n",
        ["x.yaml:8:11: needs 'rotate' or 'extra'"],
    ),
    "unknown word": (
        HEAD + STEPS + "  - callback: {order: o1, type: pay, body: {encode: spacd}}\n",
        ["x.yaml:8:53: unknown encoding 'spacd', did you mean 'spaced'?"],
    ),
    "hostile name": (
        HEAD + STEPS + "  - login: {player: alice, token: {hostile: alg-nome}}\n",
        ["x.yaml:8:45: unknown hostile token 'alg-nome', did you mean 'alg-none'?"],
    ),
    "wrong type": (
        HEAD + STEPS + '  - callback: {order: o1, type: pay, copies: "3"}\n',
        ["x.yaml:8:46: 'copies' must be a whole number"],
    ),
    "yaml 1.1 truth": (
        HEAD + STEPS + "  - callback: {order: o1, type: pay, at_once: yes}\n",
        ["x.yaml:8:47: 'at_once' must be true or false"],
    ),
    "unknown order": (
        HEAD + STEPS + "  - pay: {order: o2}\n",
        ["x.yaml:8:18: unknown order 'o2'; known: o1"],
    ),
    "a player where an order is meant": (
        HEAD + STEPS + "  - pay: {order: alice}\n",
        ["x.yaml:8:18: unknown order 'alice'; known: o1"],
    ),
    "unknown template": (
        HEAD + STEPS + '  - callback: {order: o1, type: pay, copies: "${copis}"}\n',
        ["x.yaml:8:46: unknown name '${copis}'; known: alice, o1"],
    ),
    "unknown clause": (
        HEAD.replace("iap.1", "iap.9") + STEPS,
        ["x.yaml:4:10: unknown clause '" + UNKNOWN_CLAUSE + "', did you mean 'jogos:iap.4'?"],
    ),
    "must on assumptions alone": (
        HEAD.replace("jogos:iap.1", "sandbox:at-least-once") + "level: must\n" + STEPS,
        ["x.yaml:5:1: a check that rests on sandbox assumptions alone may not be 'must'"],
    ),
    "another format": (
        HEAD.replace("coinslot: 1", "coinslot: 2") + STEPS,
        ["x.yaml:1:11: needs a coinslot that reads format 2; this one reads 1"],
    ),
    "control off without a reason": (
        HEAD + STEPS + "  - login: {player: alice}\n    control: off\n",
        ["x.yaml:9:5: 'control: off' needs a 'reason'"],
    ),
    "eventually without expect": (
        HEAD + STEPS + "  - eventually: 2s\n",
        ["x.yaml:8:5: 'eventually' needs 'expect'"],
    ),
    "no duration": (
        HEAD + STEPS + "  - eventually: 2\n    expect:\n      - called: arrivedorder\n",
        ["x.yaml:8:17: 'duration' must be a duration: 250ms, 2s, 1m or 1h"],
    ),
    "an answer that nobody gives": (
        HEAD + STEPS + "  - eventually: 2s\n    expect:\n      - answer: accepted\n",
        ["x.yaml:10:9: 'answer' belongs to the step that asks: put it there"],
    ),
    "two orders that the probe cannot tell apart": (
        HEAD + STEPS + "  - order: {as: o2, player: alice, product: 1}\n  - expect:\n      - granted: o1\n",
        ["x.yaml:8:45: 'o1' has this player and product too, so 'granted' cannot tell them apart"],
    ),
    "a name twice": (
        HEAD + STEPS + "  - player: {as: alice}\n",
        ["x.yaml:8:18: 'alice' is named twice"],
    ),
    "merge key": (
        HEAD + "let: &a {x: 1}\nneeds: []\n" + STEPS + "  - player: {<<: *a, as: bob}\n",
        ["x.yaml:10:14: merge key '<<' is not allowed: write the members out"],
    ),
    "tag": (
        HEAD + STEPS + "  - player: {as: !!python/name:os.system x}\n",
        ["x.yaml:8:18: tag 'tag:yaml.org,2002:python/name:os.system' is not allowed: checks are plain data"],
    ),
    "no yaml": (
        HEAD + "steps: [\n",
        ["x.yaml:6:1: is not YAML: expected the node content, but found '<stream end>'"],
    ),
    "a case name with a space": (
        HEAD + "cases:\n  - {name: two words}\n" + STEPS,
        ["x.yaml:6:5: 'cases' holds the name 'two words': use a-z, 0-9 and - alone"],
    ),
    "fault without effect": (
        HEAD + STEPS + "  - fault: {at: jogos.getOrders, with: {times: 1}}\n",
        ["x.yaml:8:40: 'with' says nothing that goes wrong: answer, headers, body, json, hang or reset"],
    ),
    "an endpoint that does not exist": (
        HEAD + STEPS + "  - fault: {at: jogos.getOrder, with: {reset: true}}\n",
        ["x.yaml:8:17: unknown endpoint 'jogos.getOrder', did you mean 'jogos.getOrders'?"],
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_named_at_its_place(problems, name):
    """file:line:col, what is wrong, and what was probably meant."""
    text, expected = BAD[name]

    assert problems(text) == expected


def test_all_mistakes_of_all_kinds_come_at_once(problems):
    """Nobody should have to run a tool five times to find five mistakes."""
    text = HEAD + "levle: must\n" + STEPS + "  - odrer: {}\n  - pay: {order: o9}\n    expct: []\n"

    assert problems(text) == [
        "x.yaml:5:1: unknown key 'levle', did you mean 'level'?",
        "x.yaml:9:5: unknown verb 'odrer', did you mean 'order'?",
        "x.yaml:10:18: unknown order 'o9'; known: o1",
        "x.yaml:11:5: unknown key 'expct', did you mean 'expect'?",
    ]


def test_no_and_on_stay_text(load):
    """YAML 1.2 knows two truth values."""
    [item] = load(HEAD + "tags: [no, on, off]\n" + STEPS)

    assert item.scenario.tags == ("no", "on", "off")


def test_anchors_may_be_used(load):
    """They repeat a value; only merging is refused."""
    [item] = load(HEAD + "why: &text Because.\nfix: *text\n" + STEPS)

    assert (item.scenario.why, item.scenario.fix) == ("Because.", "Because.")


def test_an_anchor_that_holds_itself_is_refused(problems):
    """Such a value has no end."""
    assert "x.yaml:5:6: an anchor holds itself" in problems(HEAD + "let: &a {x: *a}\n" + STEPS)


def test_cases_make_one_item_each_with_their_values(load):
    """A case's columns fill the templates and keep their types."""
    text = HEAD + "cases:\n  - {name: one, n: 1}\n  - {name: many, n: 3}\n" + STEPS
    text += '  - callback: {order: o1, type: pay, copies: "${n}"}\n'

    items = load(text)

    assert [item.name for item in items] == ["MY-CHECK-01[one]", "MY-CHECK-01[many]"]
    assert [item.steps[-1].args.copies for item in items] == [1, 3]


def test_a_matrix_makes_an_item_for_each_product(load):
    """Names come from the values."""
    items = load(HEAD + "matrix: {a: [1, 2], b: [x, Y Z]}\n" + STEPS)

    assert [item.case for item in items] == ["1-x", "1-y-z", "2-x", "2-y-z"]


@pytest.mark.parametrize(
    "step",
    [
        "  - sync: {}\n",
        "  - keys: {portal: jogos, rotate: replace}\n",
        "  - fault: {at: jogos.publicKey, with: {reset: true}}\n",
        "  - expect: [{called: publicKey, times: 1}]\n",
    ],
)
def test_what_turns_what_all_share_runs_alone(load, step):
    """Side by side: sync, keys, a fault without order, counted calls without order."""
    [item] = load(HEAD + STEPS + step)

    assert item.exclusive


def test_a_fault_for_one_order_does_not_run_alone(load):
    """The twin of the test above."""
    [item] = load(HEAD + STEPS + "  - fault: {at: jogos.arrivedorder, order: o1, with: {reset: true}}\n")

    assert not item.exclusive


def test_a_foreign_yaml_file_is_left_alone(load):
    """A folder may hold other people's YAML."""
    assert load("services: {web: {}}\n") == []


def test_several_documents_of_one_file_are_several_checks(load):
    """A team's own files may hold several; ids are unique."""
    second = HEAD.replace("01", "02")

    assert len(load(f"{HEAD}{STEPS}---\n{second}{STEPS}")) == 2


def test_an_id_that_is_used_twice_is_refused(problems):
    """An id is a name for ever."""
    assert problems(f"{HEAD}{STEPS}---\n{HEAD}{STEPS}") == [
        "x.yaml:10:5: id MY-CHECK-01 is used in x.yaml too"
    ]


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    """No traceback for what people do."""
    with pytest.raises(InvalidFiles, match="cannot be read"):
        load_items([tmp_path])
