"""Whatever is broken in a good file: a `ScenarioError` with the line of the fault, never another exception."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tertulia.environments.scenario import ScenarioError, list_scenarios, scenario_path
from tests.environments.strategies import table_scenarios
from tests.environments.table_talk_play import scenario_of

SHIPPED = [scenario_path(name).read_text(encoding="utf-8") for name in list_scenarios()]
FREE_KEYS = {"house", "cake", "train", "key", "marble", "venue", "date", "budget", "band"}
"""Names of variables: renaming one breaks other places, and those are told instead."""


def _mappings(node: Any) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    """Every key of a document with its value."""
    if isinstance(node, yaml.SequenceNode):
        return [pair for item in node.value for pair in _mappings(item)]
    if isinstance(node, yaml.MappingNode):
        return [found for key, value in node.value for found in [(key, value), *_mappings(value)]]
    return []


def _lines(text: str) -> list[int]:
    with pytest.raises(ScenarioError) as caught:
        scenario_of(text)
    found = [re.match(r"test\.yaml:(\d+): ", line) for line in str(caught.value).splitlines()]
    assert all(found), str(caught.value)
    assert all("; " in line for line in str(caught.value).splitlines()), "each says what would be right"
    return [int(match[1]) for match in found if match]


files = st.one_of(
    st.sampled_from(SHIPPED), table_scenarios().map(lambda data: str(yaml.safe_dump(data, sort_keys=False)))
)


@settings(max_examples=60, deadline=None)
@given(files, st.data())
def test_a_renamed_key_is_found_on_its_line(text: str, data: st.DataObject) -> None:
    keys = [key for key, _ in _mappings(yaml.compose(text)) if key.value not in FREE_KEYS]
    key = data.draw(st.sampled_from(keys))
    broken = text[: key.end_mark.index] + "x" + text[key.end_mark.index :]
    assert key.start_mark.line + 1 in _lines(broken)


@settings(max_examples=60, deadline=None)
@given(files, st.sampled_from(["[[1]]", "{a: {b: [c]}}"]), st.data())
def test_a_value_of_another_type_is_found_on_its_line(text: str, other: str, data: st.DataObject) -> None:
    pairs = [(k, v) for k, v in _mappings(yaml.compose(text)) if isinstance(v, yaml.ScalarNode)]
    key, value = data.draw(st.sampled_from(pairs))
    broken = text[: value.start_mark.index] + f" {other}" + text[value.end_mark.index :]
    assert key.start_mark.line + 1 in _lines(broken)


@settings(max_examples=80, deadline=None)
@given(files, st.data())
def test_torn_and_overwritten_files_give_no_other_exception(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    noise = data.draw(
        st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(["&a", "*a", "<<: ", "!!int ", "? "])
    )
    _read(text[:start] + noise + text[end:])


def _read(data: Any) -> None:
    """Either a scenario or a `ScenarioError` whose every line says where."""
    try:
        scenario_of(data)
        problems: list[str] = []
    except ScenarioError as error:
        problems = str(error).splitlines() or ["nothing said"]
    assert all(line.startswith("test.yaml") for line in problems), problems


_plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=80, deadline=None)
@given(table_scenarios(), st.data())
def test_any_value_anywhere_gives_a_scenario_or_its_error(scenario: dict[str, Any], data: st.DataObject) -> None:
    node: Any = scenario
    while True:
        step = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        deeper = node[step]
        if not isinstance(deeper, (dict, list)) or not deeper or data.draw(st.booleans()):
            node[step] = data.draw(_plain)
            break
        node = deeper
    _read(scenario)
