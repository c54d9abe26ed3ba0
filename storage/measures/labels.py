"""What conditions are called where there is little room: by what tells them apart, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from tertulia.storage.measures.compute import Condition, Difference

_PARTS = ("scenario", "cell", "models")


def labels(conditions: Sequence[Condition]) -> tuple[str, dict[Condition, str]]:
    """What it is that varies, and a name for each condition: `turns.policy` and `bidding`, say, for a batch in which
    one key varies; else the cell's whole name, with its scenario or models where these differ too."""
    batches = len({one.batch for one in conditions}) > 1
    differ = [part for part in _PARTS if len({getattr(one, part) for one in conditions}) > 1]
    if "cell" in differ and len({one.cell for one in conditions}) == len(conditions):
        differ = ["cell"]
    named = {one: ", ".join([one.batch] * batches + [getattr(one, p) for p in differ]) for one in conditions}
    if len(conditions) == 1:
        return "condition", {one: one.cell or one.scenario for one in conditions}
    keys = {name.partition("=")[0] for name in named.values()}
    if differ == ["cell"] and not batches and len(keys) == 1 and all(name.count("=") == 1 for name in named.values()):
        return keys.pop(), {one: name.partition("=")[2] for one, name in named.items()}
    return "condition", named


def compared_with(differences: Sequence[Difference]) -> str:
    """What differences are to: a cell, or, where scenarios or batches have each their own, that it is the first."""
    cells = {one.baseline.cell for one in differences}
    return cells.pop() if len(cells) == 1 else "the first cell of each scenario"
