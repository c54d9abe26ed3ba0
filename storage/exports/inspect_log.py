"""Episodes as an eval log of Inspect (UK AISI): what its viewer lists and opens, as `.eval` or as `.json`.

After `inspect_ai.log`'s data model, format version 2; checked by reading it with inspect_ai 0.3.285.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from zipfile import ZIP_DEFLATED, ZipFile

from tertulia.storage.exports.files import whole_file
from tertulia.storage.exports.inspect_sample import clean, sample_of, summary_of

if TYPE_CHECKING:
    from tertulia.storage.log import Log

Json = dict[str, Any]
VERSION = 2
ENDINGS = (".eval", ".json")
_BEGINS = (b"PK\x03\x04", b'{"version": ')
"""A log of either form."""
_PART = 500
"""Episodes asked for in one query."""


class _Sink(Protocol):
    def sample(self, sample: Json) -> None: ...
    def close(self) -> None: ...


def export_inspect(
    log: Log, episodes: Sequence[str], path: Path, *, version: str, replace: bool = False,
    told: Callable[[], None] = lambda: None,
) -> int:  # fmt: skip
    """Write the episodes as the samples of one log, one at a time; how many. The path's ending says which form."""
    header = _header(log, episodes, version)
    with whole_file(path, begins=_BEGINS, replace=replace) as beside:
        sink: _Sink = _Zip(beside, header) if path.suffix == ".eval" else _Plain(beside, header)
        for id in episodes:
            sink.sample(sample_of(log, log.episode(id)))
            told()
        sink.close()
    return len(episodes)


class _Zip:
    """A zip with a file for each sample; the header comes last, as it does when Inspect writes one."""

    def __init__(self, path: Path, header: Json) -> None:
        self._zip, self._header = ZipFile(path, "w", ZIP_DEFLATED), header
        self._summaries: list[Json] = []
        self._write("_journal/start.json", {name: header[name] for name in ("version", "eval", "plan")})

    def sample(self, sample: Json) -> None:
        self._write(f"samples/{sample['id']}_epoch_{sample['epoch']}.json", sample)
        self._summaries.append(summary_of(sample))

    def close(self) -> None:
        self._write("_journal/summaries/1.json", self._summaries)
        self._write("summaries.json", self._summaries)
        self._write("header.json", self._header)
        self._zip.close()

    def _write(self, name: str, value: Any) -> None:
        self._zip.writestr(name, json.dumps(value, allow_nan=False))


class _Plain:
    """One JSON object, its samples last, as they come."""

    def __init__(self, path: Path, header: Json) -> None:
        self._file, self._between = path.open("w", encoding="ascii"), ""
        self._file.write(json.dumps(header, allow_nan=False)[:-1] + ', "samples": [')

    def sample(self, sample: Json) -> None:
        self._file.write(self._between + "\n" + json.dumps(sample, allow_nan=False))
        self._between = ","

    def close(self) -> None:
        self._file.write("\n]}\n")
        self._file.close()


def _header(log: Log, episodes: Sequence[str], version: str) -> Json:
    """All but the samples."""
    rows = list(_told_of(log, episodes))
    scenarios, batches = sorted({row[1] for row in rows}), sorted({row[2] for row in rows if row[2]})
    models = sorted({row[0] for part in _parts(episodes) for row in log.query(_MODELS.format(_marks(part)), part).rows})
    began, ended = min(_iso(row[4]) for row in rows), max(_iso(row[5] or row[4]) for row in rows)
    task = scenarios[0] if len(scenarios) == 1 else batches[0] if len(batches) == 1 else "tertulia"
    eval_ = {
        "run_id": episodes[0], "created": began, "task": task, "task_id": episodes[0], "task_version": 0,
        "task_attribs": {}, "task_args": {}, "task_args_passed": {},
        "dataset": {"name": task, "samples": len(episodes), "sample_ids": list(episodes), "shuffled": False},
        "model": models[0] if len(models) == 1 else "several", "model_args": {}, "model_generate_config": {},
        "config": {"epochs": 1}, "packages": {"tertulia": version},
        "metadata": {"models": models, "scenarios": scenarios, "batches": batches},
        "scorers": [{"name": "reward", "options": {}, "metrics": [], "metadata": {}}],
    }  # fmt: skip
    header: Json = {
        "version": VERSION, "status": "success", "eval": eval_,
        "plan": {"name": "plan", "steps": [{"solver": "tertulia", "params": {}}], "config": {}},
        "results": _results(rows), "stats": {"started_at": began, "completed_at": ended, "model_usage": {}},
    }  # fmt: skip
    cleaned: Json = clean(header)
    return cleaned


_EPISODES = "SELECT id, scenario, batch, reward, created_at, ended_at, status FROM episode WHERE id IN ({})"
_MODELS = "SELECT DISTINCT model FROM participant WHERE episode IN ({})"


def _told_of(log: Log, episodes: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    for part in _parts(episodes):
        yield from log.query(_EPISODES.format(_marks(part)), part).rows


def _parts(episodes: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(episodes), _PART):
        yield episodes[start : start + _PART]


def _marks(part: Sequence[str]) -> str:
    return ", ".join("?" * len(part))


def _results(rows: Sequence[tuple[Any, ...]]) -> Json:
    """The mean reward, its standard error, and over how many."""
    rewards = [float(row[3]) for row in rows if row[3] is not None]
    n, mean = len(rewards), sum(rewards) / len(rewards) if rewards else 0.0
    error = sqrt(sum((one - mean) ** 2 for one in rewards) / (n - 1) / n) if n > 1 else 0.0
    metrics = {"mean": {"name": "mean", "value": mean}, "stderr": {"name": "stderr", "value": error}}
    score = {
        "name": "reward", "scorer": "reward", "scored_samples": n, "unscored_samples": len(rows) - n,
        "params": {}, "metrics": {name: {**one, "params": {}} for name, one in metrics.items()},
    }  # fmt: skip
    completed = sum(row[6] != "error" for row in rows)
    return {"total_samples": len(rows), "completed_samples": completed, "scores": [score] if rewards else []}


def _iso(moment: str) -> str:
    return moment.replace(" ", "T") + "+00:00"
