"""Grid files: what they unfold into, and what is wrong with them, told with file, line and remedy."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tertulia.environments.batch.plan import Plan
from tertulia.environments.batch.reading import read_grid
from tertulia.environments.scenario import ScenarioError
from tests.environments.batch.batches import a_grid


def plan_of(folder: Path, **keys: Any) -> Plan:
    return Plan.of(read_grid(a_grid(folder, **keys)))


def test_a_grid_has_every_combination_and_names_cells_by_what_varies(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path, scenario="dinner-secret", set={"turns.limit": 3}, replicates=2,
        grid={"mind.preset": ["reactive", "full"], "participants.alice.mind.order": {"flat": 1, "deep": 3}},
    )  # fmt: skip
    assert sorted(plan.cells) == [
        "mind.preset=full, participants.alice.mind.order=deep",
        "mind.preset=full, participants.alice.mind.order=flat",
        "mind.preset=reactive, participants.alice.mind.order=deep",
        "mind.preset=reactive, participants.alice.mind.order=flat",
    ]
    points = list(plan.points())
    assert len(points) == plan.total == 4 * 2 * 2
    assert len({point.key for point in points}) == len(points)
    deep = next(point for point in points if point.cell.startswith("mind.preset=reactive") and "deep" in point.cell)
    scenario = plan.scenario(deep)
    assert scenario.turns.limit == 3
    assert {seat.name: (seat.mind.preset, seat.mind.order) for seat in scenario.participants}["alice"] == (
        "reactive",
        3,
    )


def test_a_condition_sets_several_keys_at_once_and_crosses_with_the_grid(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path, scenario="dinner-secret", grid={"elicit": ["inline", "none"]},
        conditions={"plain": {"mind.preset": "reactive"}, "rich": {"mind.preset": "full", "mind.workspace": 3}},
    )  # fmt: skip
    assert len(plan.cells) == 4
    rich = next(point for point in plan.points() if point.cell == "condition=rich, elicit=none")
    assert plan.scenario(rich).mind.workspace == 3
    assert plan.scenario(rich).elicit == "none"


def test_the_order_of_keys_in_a_file_changes_no_cell(tmp_path: Path) -> None:
    one = plan_of(tmp_path, grid={"mind.order": [1, 2], "mind.preset": ["full"]})
    other = plan_of(tmp_path, grid={"mind.preset": ["full"], "mind.order": [2, 1]})
    assert sorted(one.cells) == sorted(other.cells)


def test_scenarios_can_vary_and_paths_are_relative_to_the_grid(tmp_path: Path) -> None:
    own = yaml.safe_load((Path("environments/scenarios/sally-anne.yaml")).read_text()) | {"scenario": "mine"}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(own))
    plan = plan_of(tmp_path, scenario=None, grid={"scenario": ["sally-anne", "./mine.yaml"]})
    assert {plan.scenario(point).scenario for point in plan.points()} == {"sally-anne", "mine"}


def test_a_model_for_all_seats_gives_way_to_one_for_a_seat(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path, scenario="dinner-secret",
        grid={"participants.alice.model": ["openai/x"], "model": ["rules", "openai/y"]},
    )  # fmt: skip
    found = {plan.scenario(point).model: plan.scenario(point).model_of("alice") for point in plan.points()}
    assert found == {"rules": "openai/x", "openai/y": "openai/x"}
    assert plan.models() == ["openai/x", "openai/y", "rules"]


def test_paired_cells_share_their_seeds_and_independent_ones_do_not(tmp_path: Path) -> None:
    paired = Counter(point.seed for point in plan_of(tmp_path, seeds="0:3").points())
    assert paired == {0: 2, 1: 2, 2: 2}
    independent = [point.seed for point in plan_of(tmp_path, seeds="0:3", design="independent").points()]
    assert len(set(independent)) == 6
    assert independent == [point.seed for point in plan_of(tmp_path, seeds="0:3", design="independent").points()]


def test_swap_plays_every_cell_with_models_and_minds_moved_round(tmp_path: Path) -> None:
    data = yaml.safe_load(Path("environments/scenarios/haggle.yaml").read_text())
    first, second = (seat["name"] for seat in data["participants"])
    models = {"model": "openai/a", f"participants.{first}.model": "openai/b"}
    plan = plan_of(tmp_path, scenario="haggle", grid={"mind.order": [1]}, design="swap", set=models)
    seated = {
        point.cell: {name: plan.scenario(point).model_of(name) for name in (first, second)} for point in plan.points()
    }
    assert seated == {
        "mind.order=1, swap=0": {first: "openai/b", second: "openai/a"},
        "mind.order=1, swap=1": {first: "openai/a", second: "openai/b"},
    }
    goals = {tuple(seat.goal for seat in plan.scenario(point).participants) for point in plan.points()}
    assert len(goals) == 1, "goals stay where they are"


def test_counterbalancing_turns_the_seats_from_episode_to_episode_alike_in_all_cells(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, scenario="dinner-secret", seeds="0:4", design="counterbalance")
    first = {}
    for point in plan.points():
        first.setdefault(point.seed, set()).add(plan.scenario(point).names[0])
    assert [names for _, names in sorted(first.items())] == [{"alice"}, {"bob"}, {"carol"}, {"dan"}]


def test_what_holds_for_more_undoes_nothing_that_another_dimension_varies(tmp_path: Path) -> None:
    conditions = {"plain": {"mind": {"preset": "reactive"}}, "full": {"mind": {"preset": "full"}}}
    plan = plan_of(tmp_path, grid={"mind.order": [1, 2]}, conditions=conditions)
    minds = [plan.scenario(point).participants[0].mind for point in plan.points() if point.seed == 0]
    assert sorted((mind.preset, mind.order) for mind in minds) == [
        ("full", 1), ("full", 2), ("reactive", 1), ("reactive", 2),
    ]  # fmt: skip


def test_a_counterbalanced_grid_that_grows_moves_nobody_who_sits_already(tmp_path: Path) -> None:
    small = {"seeds": "0:4", "design": "counterbalance", "grid": {"mind.order": [1]}}
    grown = {"seeds": "0:6", "design": "counterbalance", "grid": {"mind.order": [1, 2]}, "replicates": 3}
    before = {point.key: point.turned for point in plan_of(tmp_path, **small).points()}
    points = list(plan_of(tmp_path, **grown).points())
    after = {point.key: point.turned for point in points}
    assert {key: after[key] for key in before} == before
    assert all(after["mind.order=1", *rest] == turned for (_, *rest), turned in after.items()), "alike in all cells"
    assert [[point.turned for point in points].count(places) for places in range(3)] == [len(points) // 3] * 3


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key of the scenario": (
        {"grid": {"turns.limt": [1, 2]}},
        "turns.limt: unknown key 'limt'; nearest: 'limit'",
    ),
    "unknown preset": ({"grid": {"mind.preset": ["fulll"]}}, "no preset 'fulll'; nearest: 'full'"),
    "the scenario set": ({"set": {"scenario": "haggle"}}, "set.scenario: the scenario is not set here"),
    "empty grid": ({"grid": {}}, "the grid is empty"),
    "empty list": ({"grid": {"mind.order": []}}, "an empty list stands here"),
    "no list": ({"grid": {"mind.order": 2}}, "the number 2 stands here; write a list of values"),
    "value twice": ({"grid": {"mind.order": [1, 1]}}, "'1' stands twice"),
    "no condition": ({"conditions": {}}, "there is no condition"),
    "no seeds": ({"seeds": None}, "no seeds are given"),
    "seeds backwards": ({"seeds": "5:2"}, "write `seeds: 0:50`"),
    "a seed twice": ({"seeds": [1, 1]}, "a seed stands twice"),
    "unknown word": ({"desing": "swap"}, "unknown key 'desing'; nearest: 'design'"),
    "unknown design": ({"design": ["swop"]}, "no design 'swop'; nearest: 'swap'"),
    "two designs": ({"design": ["paired", "independent"]}, "exclude each other"),
    "a person in the grid": (
        {"grid": {"model": ["rules", "human"]}},
        "grid.model.1: sally is a person's seat, and nobody sits in a batch; give it a model",
    ),
    "a person everywhere": (
        {"scenario": "dinner-secret", "set": {"participants.bob.model": "human"}},
        "bob is a person's seat, and nobody sits in a batch",
    ),
    "nothing to swap": ({"design": ["swap"]}, "all seats of every cell have the same model and mind"),
    "no replicates": ({"replicates": 0}, "0 is no number of replicates"),
    "unknown scenario": ({"scenario": "dinner"}, "no scenario 'dinner'; nearest: 'dinner-secret'"),
    "no scenario": ({"scenario": None}, "no scenario is named"),
    "unknown seat": ({"grid": {"participants.zoe.model": ["rules"]}}, "no participant 'zoe'"),
    "unnameable": (
        {"grid": {"mind": [{"preset": "full", "order": 2, "workspace": 7}]}},
        "is too long to name a cell by",
    ),
    "name of a batch": ({"batch": "two words"}, "is no name for a batch"),
    "a name that is no text": ({"batch": 5}, "the number 5 stands here, not a name"),
    "a name that means something": ({"batch": "last"}, "'last' would be taken for an episode"),
    "a key varied twice": (
        {"grid": {"mind.preset": ["reactive"]}, "conditions": {"a": {"mind.preset": "full"}}},
        "is set by conditions as",
    ),
    "a list as a grid": ({"grid": ["mind.order"]}, "a list stands here"),
    "no list of seeds": ({"seeds": ["a"]}, "a list of other things than whole numbers stands here"),
    "seeds beyond measure": ({"seeds": "0:10000000000"}, "10,000,000,000 seeds"),
    "replicates beyond measure": ({"replicates": 99999999}, "a batch has at most 1,000,000"),
    "too many": ({"grid": {"mind.order": [1, 2], "turns.limit": list(range(1, 5002))}}, "a grid has at most 10000"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_told_with_its_line_and_a_remedy(tmp_path: Path, what: str) -> None:
    keys, hint = WRONG[what]
    path = a_grid(tmp_path, **keys)
    with pytest.raises(ScenarioError) as raised:
        Plan.of(read_grid(path))
    lines = str(raised.value).splitlines()
    assert any(hint in line for line in lines), lines
    for line in lines:
        assert line.startswith((f"{path}:", "scenario")) or "no scenario 'dinner'" in line


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    path = a_grid(tmp_path, scenario="dinner-secret", grid={"mind.preset": ["full", "fulll"], "turns.limt": [1, 2]})
    with pytest.raises(ScenarioError) as raised:
        Plan.of(read_grid(path))
    assert {problem.wrong for problem in raised.value.problems} == {"no preset 'fulll'", "unknown key 'limt'"}
