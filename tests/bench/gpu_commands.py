"""The GPU's benchmark, end to end: the commands a user types, with a model on disk."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tertulia.agents.backends.base import Prompt
from tests.bench.gpu_kit import empty, make_network

GRID = """batch: gpu
scenario: dinner-secret
set: {{turns.limit: 1, model: "hf/{model}"}}
seeds: "0:{episodes}"
"""


def episodes(work: Path, tokenizer: Any, prompts: list[Prompt], count: int = 50) -> None:
    """One conversation and a batch of them, by the commands a user types."""
    model = work / "model"
    network = make_network("0.6B", tokenizer)
    network.save_pretrained(model)
    tokenizer.save_pretrained(model)
    del network
    empty()
    command(work, "run", "dinner-secret", "--model", f"hf/{model}", "--set", "turns.limit=2", "--seed", "1")
    (work / "grid.yaml").write_text(GRID.format(model=model, episodes=count))
    command(work, "batch", "grid.yaml", "--jobs", str(count), "--max-time", "45s")


def command(work: Path, *words: str) -> None:
    begin = time.perf_counter()
    paths = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": paths, "TERTULIA_DB": str(work / f"{words[0]}.db")}
    code = "from tertulia.cli.main import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=work, env=environment, capture_output=True, text=True, check=False
    )
    print(f"tertulia {words[0]}: exit {run.returncode}, {time.perf_counter() - begin:.1f} s with start and loading")
    print(*(run.stdout + run.stderr).splitlines()[-8:], sep="\n")
    counted(work / f"{words[0]}.db")


def counted(db: Path) -> None:
    """What the log says of calls, tokens and episodes."""
    import sqlite3

    sums = "count(*), sum(status = 'ok'), sum(input_tokens), sum(cached_tokens), sum(output_tokens)"
    with sqlite3.connect(db) as log:
        names = ("calls", "ok", "prompt tokens", "not computed again", "reply tokens")
        print(dict(zip(names, log.execute(f"SELECT {sums} FROM call").fetchone(), strict=True)))
        print(
            "latencies:",
            [round(row[0]) for row in log.execute("SELECT latency_ms FROM call ORDER BY started_at LIMIT 16")],
        )
        print("episodes:", dict(log.execute("SELECT status, count(*) FROM episode GROUP BY 1").fetchall()))
