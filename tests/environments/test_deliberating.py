"""Staged and fused side by side: figures agree with the log another way, and agreement with its closed forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tertulia
from tertulia.agents.registry import Backends
from tertulia.environments.deliberating import ARMS, Comparison, Deliberated, play_both, with_deliberation
from tertulia.storage.log import Log
from tests.environments.scripted_minds import Minds, written
from tests.loopback import Loopback
from tests.playing import FAST

SEATS = ("ana", "ben", "cem")


async def compared(db: Path, scenario: str, seeds: list[int], *sets: str, model: str = "rules") -> Comparison:
    loaded, backends = tertulia.load_scenario(scenario, sets, model=model), Backends()
    comparison = Comparison(loaded.scenario, seeds)
    with Log.open(db) as log:
        async for _ in play_both(loaded, comparison, log=log, backends=backends, retry=FAST):
            pass
        await backends.aclose()
    return comparison


def mean(found: Any) -> float:
    assert found is not None
    return float(found.mean)


def test_each_arm_has_all_minds_deliberate_in_its_way() -> None:
    scenario = tertulia.load_scenario("dinner-secret", ["mind.preset=inner-thoughts"])
    for arm in ARMS:
        minds = [seat.mind for seat in with_deliberation(scenario, arm).participants]
        assert [mind.fused() for mind in minds] == [arm == "fused"] * 4
    assert [seat.mind.label() for seat in with_deliberation(scenario, "fused").participants][::2] == [
        "inner-thoughts+fused", "minddial+fused",
    ]  # fmt: skip


async def test_rules_say_and_think_the_same_in_both_ways_with_fewer_calls_fused(tmp_path: Path) -> None:
    found = await compared(tmp_path / "log.db", "planning-meeting", [0, 1, 2], "mind.preset=inner-thoughts")
    for figure in ("spoken turns", "ada speaks", "motivation spoken", "thoughts formed", "thoughts spoken", "turns"):
        difference = found.difference(figure)
        assert difference is not None
        assert (difference.mean, difference.n) == (0.0, 3), figure
    agreement = found.agreement()
    assert (mean(agreement["same speaker"]), mean(agreement["same shares"])) == (1.0, 1.0)
    assert mean(found.difference("calls")) > 0
    assert found.difference("tokens in") is None


async def test_the_figures_of_scripted_minds_are_those_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thoughts = {(seat, turn): [(2, f"{seat} has idea {turn}.")] for seat in SEATS for turn in range(1, 6)}
    minds = Minds(thoughts, lambda seat, turn, thought, heard: (30 + 5 * ((turn + len(seat) + len(heard)) % 4), True))
    with Loopback(script=minds) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        sets = ("turns.limit=5", "ends=[limit]")
        found = await compared(tmp_path / "log.db", written(tmp_path), [1, 2], *sets, model="openai/any")
    assert found.missing == 0
    with Log.open(tmp_path / "log.db") as log:
        for arm in ARMS:
            of_arm = f"IN (SELECT id FROM episode WHERE cell = '{arm}')"
            for figure, sql in {
                "motivation": f"SELECT avg(motivation) FROM appraisal WHERE episode {of_arm}",
                "thoughts spoken": f"SELECT count(lag) / 2.0 FROM v_thoughts WHERE episode {of_arm}",
                "thoughts spoken later": f"SELECT count(*) / 2.0 FROM v_thoughts WHERE lag > 0 AND episode {of_arm}",
                "ana speaks": f"SELECT count(*) / 10.0 FROM event WHERE actor = 'ana' AND episode {of_arm}",
                "calls": f"SELECT count(*) / 2.0 FROM call WHERE episode {of_arm}",
                "tokens in": f"SELECT sum(input_tokens) / 2.0 FROM call WHERE episode {of_arm}",
            }.items():
                [(value,)] = log.query(sql).rows
                assert mean(found.arm(arm, figure)) == pytest.approx(float(value)), (arm, figure)
    assert mean(found.difference("calls")) == mean(found.arm("staged", "calls")) - mean(found.arm("fused", "calls"))


def test_agreement_beside_chance_by_hand() -> None:
    found = Comparison("outing", [0])
    found.arms["staged"][0] = one(["ana", "ana", "ben", ""], {"ana": 2 / 3, "ben": 1 / 3})
    found.arms["fused"][0] = one(["ana", "ben", "ben", "", "ana"], {"ana": 0.5, "ben": 0.5})
    agreement = {name: mean(value) for name, value in found.agreement().items()}
    assert agreement["same speaker"] == 3 / 4
    assert agreement["by chance"] == pytest.approx((2 * 1 + 1 * 2 + 1 * 1) / 16)
    assert agreement["same shares"] == pytest.approx(1 - 1 / 6)


def one(speakers: list[str], shares: dict[str, float]) -> Deliberated:
    return Deliberated("e", 0, {}, [(name,) if name else () for name in speakers], shares)
