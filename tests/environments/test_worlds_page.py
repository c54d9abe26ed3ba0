"""The queries of docs/worlds.md run as they stand, and each finds something."""

from __future__ import annotations

import re
from pathlib import Path

from tertulia.storage.log import Log
from tests.playing import play

PAGE = Path(__file__).resolve().parents[2] / "docs" / "worlds.md"


async def test_every_query_of_the_page_finds_something(tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    for name, sets in (
        ("haggle", []),
        ("haggle-with-a-liar", []),
        ("guess-the-mean", ["elicit=inline", "rounds=3"]),
        ("guess-in-company", ["rounds=3"]),
    ):
        await play(db, name, sets=sets)
    queries = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(queries) == 6
    with Log.open(db) as log:
        for query in queries:
            found = log.query(query).rows
            assert found, query
            assert all(value is not None for value in found[-1]), query
