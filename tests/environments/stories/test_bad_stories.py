"""Stories that are wrong, and files that are no stories: one line that says where, and what would be right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tertulia.environments.scenario import ScenarioError
from tests.environments.stories.made_stories import some_lines, story, tomi_text, witnessed_story, written


@pytest.fixture
def tomi_file(tmp_path: Path) -> Path:
    path = tmp_path / "made.txt"
    path.write_text(tomi_text(7), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"file": "/nowhere.yaml"}, "-S file: there is no file /nowhere.yaml; give the path of a story file"),
        ({"file": "/nowhere.txt"}, "-S file: there is no file /nowhere.txt; give the path of a story file"),
        ({"format": "tommy"}, "-S format: no format 'tommy'; nearest: 'tomi' (others: hi-tom, bigtom, own)"),
        ({"item": 3}, "-S item: there is no story 3, lighthouse.yaml has 1 story; give 0"),
        ({"item": -1}, "-S item: -1 is too small; give a number of 0 or more"),
        ({"view": "first", "as_": "Mod"},
         "-S as: nobody in lighthouse is called 'Mod'; nearest: 'Maud' (others: Tilo, Wim)"),
        ({"as_": "Maud"}, "-S as: who watches the story is not 'Maud'; set `view: first`, or leave `as` out"),
        ({"questions": "[first_oder]"},
         "-S questions: no question of the kind 'first_oder' in lighthouse; "
         "nearest: 'first_order' (others: memory, reality, second_order)"),
        ({"skin": "name"},
         "-S skin: 'name' is not one of the choices; nearest: 'names' (others: none, objects, wording, all)"),
        ({"control": "glass"}, "-S control: 'glass' is not one of the choices; one of: none, true-belief, transparent"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ScenarioError) as error:
        story(**keys)
    assert str(error.value) == said


def test_a_number_beyond_the_file_is_told_how_many_there_are(tmp_path: Path) -> None:
    file = written(tmp_path / "s.yaml", [witnessed_story(some_lines(seed)) for seed in range(3)])
    with pytest.raises(ScenarioError, match=r"there is no story 3, s.yaml has 3 stories; give a number from 0 to 2"):
        story(file=file, item=3)


def test_a_file_whose_format_is_not_told_is_one_line(tomi_file: Path) -> None:
    right = "set `format`, one of: tomi, hi-tom, bigtom, own"
    with pytest.raises(ScenarioError, match=f"-S file: how made.txt is written is not told; {right}"):
        story(file=tomi_file)


def test_a_file_of_another_format_is_one_line_with_its_place(tomi_file: Path) -> None:
    for format in ("own", "hi-tom", "bigtom"):
        with pytest.raises(ScenarioError) as error:
            story(file=tomi_file, format=format)
        assert str(error.value).startswith(f"-S file: {tomi_file}")
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cast": []}, "story 0: cast: "),
        ({"colour": "red"}, "story 0: colour: "),
        ({"sentences": [{"text": "x", "shows": {"kee": "tin"}}]}, "made: 'x': nothing is called 'kee'; nearest: 'key'"),
        ({"sentences": [{"text": "x", "shows": {"key": "tim"}}]}, "made: 'x': key is never 'tim'; nearest: 'tin'"),
        ({"sentences": [{"text": "x", "by": "Bem"}]}, "made: 'x': nobody is called 'Bem'; nearest: 'Ben'"),
        ({"sentences": [{"text": "x", "enter": "Ben"}]}, "made: 'x': nobody can tell where; add `place: ...`"),
        ({"questions": [{"kind": "k", "ask": "q", "about": "key", "of": "Eve", "answer": "tin"}]},
         "made: 'q' is about 'Eve', who is not in the cast"),
    ],
)  # fmt: skip
def test_a_story_of_ones_own_that_is_wrong_is_one_line(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    file = written(tmp_path / "s.yaml", witnessed_story(some_lines(1)) | change)
    with pytest.raises(ScenarioError) as error:
        story(file=file)
    assert str(error.value).startswith(f"-S file: {file}: {said}")
    assert "\n" not in str(error.value)
