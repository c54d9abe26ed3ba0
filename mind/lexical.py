"""Lexical retrieval: BM25 over a few hundred short texts, in process, with scores brought to 0-1."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

_WORD = re.compile(r"\w+", re.UNICODE)
_K1, _B = 1.2, 0.75  # the usual constants (Robertson & Zaragoza 2009)
_STOP = frozenset(
    """a an and are as at be but by do does for from had has have he her his i in is it its me my no not of on or our
    she so that the their them they this to was we were what who will with you your""".split()
)


def words(text: str) -> list[str]:
    """Lower-cased words without the commonest function words."""
    return [word for word in _WORD.findall(text.casefold()) if word not in _STOP]


def normalise(text: str) -> str:
    """Text as the name of an open proposition: case, punctuation and spacing do not tell two of them apart."""
    return " ".join(_WORD.findall(text.casefold()))


def similarity(query: str, documents: Sequence[str]) -> list[float]:
    """BM25 of each document for the query, as a share of the weight of all the query's words: 0-1."""
    wanted = sorted(set(words(query)))
    bags = [words(document) for document in documents]
    if not wanted or not bags:
        return [0.0] * len(documents)
    mean_length = sum(map(len, bags)) / len(bags) or 1.0
    seen_in = Counter(word for bag in bags for word in set(bag))
    weight = {w: math.log(1 + (len(bags) - seen_in[w] + 0.5) / (seen_in[w] + 0.5)) for w in wanted}
    best = math.fsum(weight.values()) or 1.0
    return [_score(Counter(bag), len(bag), wanted, weight, mean_length) / best for bag in bags]


def _score(bag: Counter[str], length: int, wanted: list[str], weight: dict[str, float], mean_length: float) -> float:
    spread = _K1 * (1 - _B + _B * length / mean_length)
    found = (word for word in wanted if bag[word])
    return math.fsum(weight[word] * min(1.0, bag[word] * (_K1 + 1) / (bag[word] + spread)) for word in found)
