"""Gold of a logged episode, asked afterwards, beside what was written while it was played."""

from __future__ import annotations

from pathlib import Path

import pytest

from tertulia.environments.hindsight import Hindsight
from tertulia.storage.log import Log
from tertulia.storage.rows import WORLD, GoldRow
from tests.playing import play


@pytest.mark.parametrize("scenario", ["dinner-secret", "sally-anne"])
async def test_every_belief_asked_afterwards_is_the_one_that_was_written_when_it_changed(
    tmp_path: Path, scenario: str
) -> None:
    played = await play(tmp_path / "log.db", scenario)
    with Log.open(str(tmp_path / "log.db")) as log:
        past = Hindsight(log, log.episode(played.episode))
        rows: dict[tuple[int, str, str], list[GoldRow]] = {}
        for row in log.rows(GoldRow, played.episode):
            rows.setdefault((row.turn, row.chain, row.variable), []).append(row)
        assert any(chain.count(">") == 1 for _, chain, _ in rows)
        for (turn, chain, variable), written in rows.items():
            held = past.held(chain, past.variable(variable), turn)
            assert held.distribution == {row.value: row.probability for row in written}
            if chain != WORLD:
                assert {(row.basis, row.robust, row.source_event) for row in written} == {
                    (held.basis, held.robust, held.source)
                }


async def test_before_anything_has_happened_there_is_only_what_each_knows_from_the_start(tmp_path: Path) -> None:
    played = await play(tmp_path / "log.db", "dinner-secret")
    with Log.open(str(tmp_path / "log.db")) as log:
        past = Hindsight(log, log.episode(played.episode))
        house = past.variable("house")
        assert past.held("alice", house, 0).distribution == {"kept": 0.0, "sold": 1.0}
        assert past.held("bob", house, 0).distribution == {"kept": 0.5, "sold": 0.5}
        assert past.held("alice>bob>carol>dan", house, 0).basis == "prior"


async def test_names_that_are_not_there_are_told_with_the_nearest(tmp_path: Path) -> None:
    played = await play(tmp_path / "log.db", "dinner-secret")
    with Log.open(str(tmp_path / "log.db")) as log:
        past = Hindsight(log, log.episode(played.episode))
        with pytest.raises(LookupError, match="no variable 'hous'; nearest: 'house'"):
            past.variable("hous")
        with pytest.raises(LookupError, match="'bobb'; nearest: 'bob'"):
            past.all_held(["alice>bobb"])
        with pytest.raises(LookupError, match="no trust rule 'nobody'"):
            past.all_held(rule="nobody")
