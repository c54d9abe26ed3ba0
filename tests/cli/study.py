"""A small batch that is really played, once for a module of tests."""

from __future__ import annotations

from pathlib import Path

from tertulia.cli.main import run

BATCH = "who-finds-the-friend"
_STUDY = f"""
batch: {BATCH}
scenario: mutual-friends
grid: {{turns.limit: [6, 20]}}
seeds: 0:6
"""


def played_study(folder: Path) -> Path:
    """The log with the batch in it: two cells, six seeds, by rules; in the one there is seldom time to succeed."""
    (folder / "study.yaml").write_text(_STUDY)
    db = folder / "study.db"
    assert run(["batch", str(folder / "study.yaml"), "--db", str(db), "--json"]) == 0
    return db
