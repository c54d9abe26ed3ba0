"""Models that are made unchecked are those that checking makes."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field

from tertulia.storage.made import Made


class Plain(Made, BaseModel):
    name: str
    size: int = 3
    parts: list[str] = Field(default_factory=list)
    data: dict[str, int] = {}


class Longer(Plain):
    end: str = "!"


def test_a_made_model_is_one_that_was_checked() -> None:
    assert Plain.made(name="a") == Plain(name="a", size=3, parts=[])
    made = Plain.made(parts=["x"], name="a", size=4)
    assert made.model_dump_json() == Plain(name="a", size=4, parts=["x"]).model_dump_json()
    assert made.model_copy(update={"size": 5}) == made.with_(size=5) == Plain(name="a", size=5, parts=["x"])
    assert made.size == 4


def test_what_is_left_out_is_made_anew_for_each() -> None:
    one, other = Plain.made(name="a"), Plain.made(name="b")
    one.parts.append("x")
    one.data["x"] = 1
    assert (other.parts, other.data, Plain(name="c").data) == ([], {}, {})


def test_a_type_below_another_makes_its_own() -> None:
    assert type(Plain.made(name="a")) is Plain
    assert Longer.made(name="a") == Longer(name="a")
    assert type(Longer.made(name="a", end="?")) is Longer
    assert type(Plain.made(name="a")) is Plain


@pytest.mark.parametrize("values", [{"size": 1}, {"name": "a", "colour": "red"}])
def test_what_is_missing_or_unknown_is_told(values: dict[str, object]) -> None:
    with pytest.raises(TypeError, match=r"name|colour"):
        Plain.made(**values)
