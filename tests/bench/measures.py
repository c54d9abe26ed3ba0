"""Each measure over a whole log, its intervals included: `python -m tests.bench measures --log FILE`.

The log is one that is there (`big_log --turns 600 --filled 49500 --folder FOLDER` makes one of 50,000 turns), else a
few episodes that are played for it. Seconds by the clock and of CPU, which other work lengthens less; the
first are less than the second where queries ran side by side.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from tertulia.storage.log import Log
from tertulia.storage.measures.catalogue import measures
from tertulia.storage.measures.compute import Measured, played
from tertulia.storage.statuses import PLAYED_OUT
from tests.playing import play


def ask(log: Log) -> None:
    """Print how long each took."""
    episodes = played(log, [row.id for row in log.episodes(status=PLAYED_OUT)])
    turns = log.query("SELECT count(*) FROM turn").rows[0][0]
    print(f"{len(episodes):,} episodes, {turns:,} turns; seconds by the clock, of CPU, and how many numbers")
    for one in measures():
        begun, cpu = time.perf_counter(), time.process_time()
        figures = Measured(log, one, episodes).figures()
        print(
            f"{one.name:28} {time.perf_counter() - begun:7.2f} {time.process_time() - cpu:7.2f} {len(figures):5}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench measures", description=__doc__)
    parser.add_argument("--log", type=Path, help="a log that is there")
    asked = parser.parse_args()
    if asked.log is not None:
        with Log.open(asked.log, create=False) as log:
            ask(log)
        return
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "log.db"
        for seed in range(4):
            asyncio.run(play(db, "dinner-secret", seed=seed))
        with Log.open(db) as log:
            ask(log)


if __name__ == "__main__":
    main()
