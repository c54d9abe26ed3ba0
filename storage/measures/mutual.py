"""Mutual theory of mind, measured: each mind's model of another against three targets, and baselines on the same items.

The numbers are about the prediction of belief states and of acts; what exceeds self-projection (taking the other to
believe what one believes oneself) is what a model of the other adds.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random
from typing import TYPE_CHECKING, Any

from tertulia.storage.measures.clustered import Interval, interval, mean
from tertulia.storage.measures.told import Distribution, Told, even, modes, told

if TYPE_CHECKING:
    from tertulia.storage.log import Log

TARGETS = ("gold", "report", "act")
PREDICTORS = ("model", "self-projection", "shuffled partner", "repeat-last", "majority", "uninformed", "ideal observer")
SETS = ("all", "headline")
"""Headline: items where the holder's own gold and that of its model differ, and all trust rules agree on both."""


@dataclass(frozen=True, slots=True)
class Item:
    """One row of `v_mutual` with the distributions behind it."""

    episode: str
    scenario: str
    turn: int
    holder: str
    other: str
    variable: str
    estimator: str
    elicited: str
    rule: str | None
    headline: bool
    predictions: Mapping[str, Distribution]
    """By predictor, those that can be had; all but `majority` and `repeat-last`, which depend on the target."""
    targets: Mapping[str, Distribution]
    """By target, those that there are."""


@dataclass(frozen=True, slots=True)
class Score:
    """How near a prediction comes to its target."""

    brier: float
    probability: float
    hit: float


def score(prediction: Distribution, target: Distribution) -> Score:
    """Squared distance (0-2), what the prediction gives the target's likeliest value (the mean of equals), and how
    likely one of its likeliest values, drawn at random, is one so drawn of the target's: as in `v_mutual`."""
    values = list(dict.fromkeys((*prediction, *target)))
    brier = math.fsum((prediction.get(value, 0.0) - target.get(value, 0.0)) ** 2 for value in values)
    likely, true = modes(prediction), modes(target)
    given = math.fsum(prediction.get(value, 0.0) for value in true) / len(true)
    return Score(brier, given, len({*likely} & {*true}) / (len(likely) * len(true)))


def summary(log: Log, episodes: Sequence[str], seed: int = 0) -> dict[str, Any]:
    """Everything for these episodes: `scores` (one row for each estimator, way of eliciting, gold rule, target, set of
    items and predictor, with its n), and `retest`, the ceiling. Estimators are never pooled."""
    read = {episode: told(log, episode) for episode in episodes}
    items = [item for episode in episodes for item in _items(log, episode, read, seed)]
    return {"scores": list(_scores(items, read, seed)), "retest": retest(list(read.values()))}


def _items(log: Log, episode: str, read: Mapping[str, Told], seed: int) -> Iterator[Item]:
    here = read[episode]
    rows = log.query(
        "SELECT turn, holder, other, variable, estimator, elicited, rule, act_value, differs, robust FROM v_mutual "
        "WHERE episode = ? ORDER BY turn, holder, other, variable, elicited, estimator, rule",
        [episode],
    )
    for row in rows.dicts():
        turn, other, variable = row["turn"], row["other"], row["variable"]
        model = here.believed(f"{row['holder']}>{other}", variable, turn, row["elicited"])
        if model is None:
            continue
        gold = here.golden(row["rule"], f"{row['holder']}>{other}", variable, turn)
        found = {
            "model": model,
            "self-projection": here.believed(row["holder"], variable, turn, row["elicited"]),
            "shuffled partner": _shuffled(row, here, read, seed),
            "uninformed": even(list(model)),
            "ideal observer": gold,
        }
        act = None if row["act_value"] is None else {row["act_value"]: 1.0}
        targets = {"gold": gold, "report": here.reported(other, variable, turn), "act": act}
        yield Item(
            episode, here.scenario, turn, row["holder"], other, variable, row["estimator"], row["elicited"],
            row["rule"], row["differs"] == 1 and row["robust"] == 1,
            {name: held for name, held in found.items() if held is not None},
            {name: held for name, held in targets.items() if held is not None},
        )  # fmt: skip


def _shuffled(row: Mapping[str, Any], here: Told, read: Mapping[str, Told], seed: int) -> Distribution | None:
    """The holder's model of somebody else in the cast; where there is nobody else, its model of the same seat in
    another episode of the scenario. Who or which is drawn once for each holder and other."""
    holder, other, variable = row["holder"], row["other"], row["variable"]
    rng = Random(f"{seed}/{here.episode}/{holder}/{other}")
    tracks = here.probed if row["elicited"] == "probe" else here.beliefs
    thirds = sorted(
        {chain for chain, of in tracks if of == variable and chain.startswith(f"{holder}>") and chain.count(">") == 1}
        - {f"{holder}>{other}"}
    )
    if thirds:
        return here.believed(rng.choice(thirds), variable, row["turn"], row["elicited"])
    peers = [one for one in read.values() if one.scenario == here.scenario and one.episode != here.episode]
    if not peers:
        return None
    return rng.choice(peers).believed(f"{holder}>{other}", variable, row["turn"], row["elicited"])


def _repeat_last(item: Item, target: str, here: Told) -> Distribution:
    """What the other last stated or last claimed, which is all that its behaviour shows; before that, all values
    alike. For reports, its report before this turn; for acts and gold, its last claim about the variable."""
    if target == "report":
        before = _report_before(item, here)
        if before is not None:
            return before
    else:
        acts = here.acts.get((item.other, item.variable), ())
        last = next((value for turn, value in reversed(acts) if turn < item.turn), None)
        if last is not None:
            return {last: 1.0}
    return even(list(item.predictions["model"]))


def _report_before(item: Item, here: Told) -> Distribution | None:
    held = here.believed(item.other, item.variable, item.turn - 1, "inline")
    if held is not None:
        return held
    probed = here.probed.get((item.other, item.variable), {})
    earlier = [turn for turn in probed if turn < item.turn]
    return probed[max(earlier)][0] if earlier else None


class _Majority:
    """The most frequent value of a target over the other episodes of the scenario; over this one where it is alone."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._all: dict[tuple[str, str, str], Counter[str]] = {}
        self._own: dict[tuple[str, str, str, str], Counter[str]] = {}
        for item in items:
            for target, held in item.targets.items():
                top = modes(held)
                for value in top:
                    key = (item.scenario, item.variable, target)
                    self._all.setdefault(key, Counter())[value] += 1
                    self._own.setdefault((*key, item.episode), Counter())[value] += 1

    def of(self, item: Item, target: str) -> Distribution:
        key = (item.scenario, item.variable, target)
        whole, own = self._all[key], self._own.get((*key, item.episode), Counter())
        others = {value: count - own[value] for value, count in whole.items() if count > own[value]}
        counts = others or dict(whole)
        return even(sorted(value for value, count in counts.items() if count == max(counts.values())))


def _scores(items: Sequence[Item], read: Mapping[str, Told], seed: int) -> Iterator[dict[str, Any]]:
    groups: dict[tuple[str, str, str | None], list[Item]] = {}
    for item in items:
        groups.setdefault((item.estimator, item.elicited, item.rule), []).append(item)
    for (estimator, elicited, rule), group in sorted(groups.items(), key=lambda pair: tuple(map(str, pair[0]))):
        majority = _Majority(group)
        for target in TARGETS:
            scored = [
                (item, _scored(item, target, majority, read[item.episode])) for item in group if target in item.targets
            ]
            for chosen in SETS:
                kept = [pair for pair in scored if chosen == "all" or pair[0].headline]
                head = {"estimator": estimator, "elicited": elicited, "rule": rule, "target": target, "set": chosen}
                for predictor in PREDICTORS:
                    yield {**head, "predictor": predictor, **_figures(kept, predictor, seed)}


def _scored(item: Item, target: str, majority: _Majority, here: Told) -> dict[str, Score]:
    predictions = {
        **item.predictions,
        "repeat-last": _repeat_last(item, target, here),
        "majority": majority.of(item, target),
    }
    return {name: score(predicted, item.targets[target]) for name, predicted in predictions.items()}


def _figures(scored: Sequence[tuple[Item, Mapping[str, Score]]], predictor: str, seed: int) -> dict[str, Any]:
    """Means over the items that the predictor has an answer for, with their n; and by how much its Brier score is
    better than that of self-projection on the items that both have, with an interval over episodes."""
    found = [(item, of[predictor]) for item, of in scored if predictor in of]
    better: dict[str, list[float]] = {}
    for item, of in scored:
        if predictor in of and "self-projection" in of:
            better.setdefault(item.episode, []).append(of["self-projection"].brier - of[predictor].brier)
    excess = None if predictor == "self-projection" else interval(better, seed)
    return {
        "n": len(found),
        "episodes": len({item.episode for item, _ in found}),
        "brier": mean(of.brier for _, of in found),
        "probability": mean(of.probability for _, of in found),
        "hit": mean(of.hit for _, of in found),
        "excess": _excess(excess),
    }


def _excess(found: Interval | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"mean": found.mean, "low": found.low, "high": found.high, "n": found.n, "episodes": found.episodes}


def retest(episodes: Sequence[Told]) -> dict[str, Any]:
    """How far repeated probes of one participant's own belief at one turn agree: no model of it can be expected to
    come nearer to a single report. `n` pairs; without any, nothing is measured and the means are None."""
    pairs = [
        score(one, other)
        for here in episodes
        for (chain, _), by_turn in sorted(here.probed.items()) if ">" not in chain and "&" not in chain
        for stated in by_turn.values()
        for one, other in combinations(stated, 2)
    ]  # fmt: skip
    return {"n": len(pairs), "brier": mean(of.brier for of in pairs), "hit": mean(of.hit for of in pairs)}
