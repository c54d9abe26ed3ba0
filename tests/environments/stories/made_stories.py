"""Stories made up for the tests: ToMi-like text at random, and stories of our own with witnesses at random."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import yaml

from tertulia.environments.scenario import Scenario, load_scenario
from tertulia.environments.stories import own, tomi
from tertulia.environments.stories.story import Story

DATA = Path(os.environ.get("TERTULIA_DATA", Path(__file__).parents[4] / "shared" / "data"))
PEOPLE, ROOMS, BOXES = ("Ada", "Ben", "Cleo"), ("den", "loft"), ("red_box", "blue_bag", "green_jar")


def tomi_text(seed: int) -> str:
    """One story of ToMi's form, six questions: people come and go and move the lime about in the den."""
    rng = Random(seed)
    where: dict[str, str] = {}
    lines = [f"{_enter('Ada', 'den', where)}", _enter("Ben", "den", where), "The lime is in the red_box."]
    for _ in range(rng.randint(3, 9)):
        name = rng.choice(PEOPLE)
        if name not in where:
            lines.append(_enter(name, rng.choice(ROOMS), where))
        elif where[name] == "den" and rng.random() < 0.5:
            lines.append(f"{name} moved the lime to the {rng.choice(BOXES)}.")
        elif rng.random() < 0.2:
            lines.append(f"{name} likes the tangerine.")
        else:
            lines.append(f"{name} exited the {where.pop(name)}.")
    asked = [
        "Where was the lime at the beginning?", "Where is the lime really?", "Where will Ada look for the lime?",
        "Where will Ben look for the lime?", "Where does Ada think that Ben searches for the lime?",
        "Where does Ben think that Ada searches for the lime?",
    ]  # fmt: skip
    blocks = []
    for question in asked:
        told = [*lines, f"{question}\tred_box\t1"]
        blocks += [f"{number} {line}" for number, line in enumerate(told, 1)]
    return "\n".join(blocks) + "\n"


def _enter(name: str, room: str, where: dict[str, str]) -> str:
    where[name] = room
    return f"{name} entered the {room}."


def tomi_story(seed: int) -> Story:
    [story] = tomi.read(tomi_text(seed), "made")
    assert isinstance(story, Story), story
    return story


def own_story(data: Mapping[str, Any]) -> Story:
    [story] = own.read(yaml.safe_dump(dict(data)), "made.yaml")
    assert isinstance(story, Story), story
    return story


QUESTIONS = [
    {"kind": kind, "ask": ask, "about": "key", "of": of, "answer": "tin", "choices": ["tin", "jar", "cup"]}
    for kind, ask, of in (
        ("reality", "Where is the key?", "world"),
        ("first_order", "Where does Ada believe the key is?", "Ada"),
        ("second_order", "Where does Ben think that Ada believes the key is?", "Ben>Ada"),
    )
]


def witnessed_story(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A story of our own whose lines say for themselves who witnesses them."""
    things = {"key": {"values": ["tin", "jar", "cup"]}}
    return {
        "story": "made", "cast": list(PEOPLE), "things": things, "sentences": list(lines), "questions": QUESTIONS,
    }  # fmt: skip


def some_lines(seed: int, length: int = 7) -> list[dict[str, Any]]:
    """Lines with witnesses at random: acts that show the key, words about it, some watched unnoticed."""
    rng = Random(seed)
    lines: list[dict[str, Any]] = [{"text": "All see the key in the tin.", "shows": {"key": "tin"}, "seen_by": PEOPLE}]
    for number in range(length):
        by, value = rng.choice(PEOPLE), rng.choice(("tin", "jar", "cup"))
        others = [name for name in PEOPLE if name != by]
        seen_by = [by, *(name for name in others if rng.random() < 0.4)]
        peeking = [name for name in others if name not in seen_by and rng.random() < 0.3]
        how = rng.choice(("shows", "shows", "says"))
        words = f"{number}: somebody puts the key into the {value}." if how == "shows" else f"{number}: {value}!"
        lines.append({"text": words, "by": by, how: {"key": value}, "seen_by": seen_by, "unnoticed": peeking})
    return [{key: list(v) if isinstance(v, tuple) else v for key, v in line.items()} for line in lines]


def story(**keys: Any) -> Scenario:
    """The shipped scenario `story` with these keys set; one that is a word of Python ends in an underscore here."""
    return load_scenario("story", [f"{key.rstrip('_')}={value}" for key, value in keys.items()])


def written(path: Path, data: Any) -> Path:
    """A file with this in it as YAML."""
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path
