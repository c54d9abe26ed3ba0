"""What is said of priorities, in English and back. A half-sentence rules out every order that contradicts it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import permutations

from tertulia.environments.worlds.negotiation.acts import priorities_of
from tertulia.environments.worlds.negotiation.goods import ITEMS, ORDERS
from tertulia.storage.seen import Claim

_ITEM = rf"({'|'.join(ITEMS)})"
_NAME = r"[a-z][a-z0-9_-]*"
_BEGINS = r"(?:^|(?<=[.!?:;,\n\"“(]))\s*"
"""Where a sentence may begin: not after words like "It is not true that"."""
_SENTENCE = re.compile(
    rf"{_BEGINS}(?:(?P<believer>{_NAME}) thinks that )?(?P<no>[Ii]t is not so that )?(?P<who>I|{_NAME}) needs? "
    rf"(?:(?P<a>{_ITEM}) most, then (?P<b>{_ITEM}), and (?P<c>{_ITEM}) least"
    rf"|(?P<over>{_ITEM}) more than (?P<under>{_ITEM})|(?P<top>{_ITEM}) most|(?P<last>{_ITEM}) least)\."
)


def whole(who: str, order: str, holds: bool = True) -> tuple[Claim, ...]:
    """One's priorities in full; or that they are not these."""
    return (Claim(variable=priorities_of(who), value=order, holds=holds),)


def most(who: str, item: str) -> tuple[Claim, ...]:
    """`item` is needed most: the orders in which it is not, each ruled out."""
    return _ruling_out(who, lambda order: order[0] == item)


def least(who: str, item: str) -> tuple[Claim, ...]:
    """`item` is needed least."""
    return _ruling_out(who, lambda order: order[-1] == item)


def more(who: str, item: str, other: str) -> tuple[Claim, ...]:
    """`item` is needed more than `other`."""
    return _ruling_out(who, lambda order: order.index(item) < order.index(other))


def _ruling_out(who: str, fits: Callable[[list[str]], bool]) -> tuple[Claim, ...]:
    wrong = [order for order in ORDERS if not fits(order.split(">"))]
    return tuple(Claim(variable=priorities_of(who), value=order, holds=False) for order in wrong)


def allowed_by(claims: Iterable[Claim], who: str) -> frozenset[str]:
    """The orders that claims about somebody's priorities leave possible; none, where they contradict each other."""
    left = list(ORDERS)
    for claim in claims:
        if claim.variable == priorities_of(who) and claim.believer is None:
            left = [order for order in left if (order == claim.value) == claim.holds]
    return frozenset(left)


def render(claims: Sequence[Claim], speaker: str | None = None) -> str:
    """Claims in words. A speaker says `I` of itself; without one, everybody is called by name."""
    said, rest = [], list(claims)
    while rest:
        words, taken = _sentence(rest, speaker)
        said.append(words)
        rest = rest[taken:]
    return " ".join(said)


def _sentence(claims: Sequence[Claim], speaker: str | None) -> tuple[str, int]:
    """A sentence that says as many of the first claims as one can, and how many."""
    first = claims[0]
    who = first.variable.removesuffix(".priorities")
    words, form = next(
        (words, form)
        for words, form in _forms(who, first)
        if tuple(claims[: len(form)]) == tuple(c.model_copy(update={"believer": first.believer}) for c in form)
    )
    said = f"{'I need' if who == speaker else f'{who} needs'} {words}."
    if form == whole(who, first.value, holds=False):
        said = f"{'it' if first.believer else 'It'} is not so that {said}"
    return (said if first.believer is None else f"{first.believer} thinks that {said}"), len(form)


def _forms(who: str, first: Claim) -> Iterable[tuple[str, tuple[Claim, ...]]]:
    """What can be said to be needed, in words, and what each claims; those that claim most come first."""
    for item in ITEMS:
        yield f"{item} most", most(who, item)
        yield f"{item} least", least(who, item)
    for item, other in permutations(ITEMS, 2):
        yield f"{item} more than {other}", more(who, item, other)
    a, b, c = first.value.split(">")
    yield f"{a} most, then {b}, and {c} least", whole(who, first.value, first.holds)


def parse(text: str, speaker: str | None = None) -> tuple[Claim, ...]:
    """The claims of our own sentences in a text; `I` is the speaker."""
    found: list[Claim] = []
    for match in _SENTENCE.finditer(text):
        who = speaker if match["who"] == "I" else match["who"]
        if who is None:
            continue
        claims = _claims(match, who)
        found += [claim.model_copy(update={"believer": match["believer"]}) for claim in claims]
    return tuple(found)


def _claims(match: re.Match[str], who: str) -> tuple[Claim, ...]:
    if match["a"]:
        order = f"{match['a']}>{match['b']}>{match['c']}"
        return whole(who, order, not match["no"]) if order in ORDERS else ()
    if match["no"]:
        return ()  # ours never says so of half a sentence
    if match["over"]:
        return more(who, match["over"], match["under"]) if match["over"] != match["under"] else ()
    return most(who, match["top"]) if match["top"] else least(who, match["last"])


_HEARSAY: tuple[tuple[str, Callable[..., tuple[Claim, ...]]], ...] = (
    (rf"\b(?:need|want|prefer|value) (?:the )?{_ITEM} (?:more than|over|rather than) (?:the )?{_ITEM}\b", more),
    (rf"\b(?:need|want|prefer|value|love) (?:the )?{_ITEM} (?:the )?most\b", most),
    (rf"\b{_ITEM} is (?:by far )?(?:the )?most important (?:to|for) me\b", most),
    (rf"\b{_ITEM} is (?:my|the) (?:top|highest|first|main|biggest|number one) (?:priority|need)\b", most),
    (rf"\bmy (?:top|highest|first|main|biggest|number one) (?:priority|need) is (?:the )?{_ITEM}\b", most),
    (rf"\b(?:need|want|value) (?:the )?{_ITEM} (?:the )?least\b", least),
    (rf"\b{_ITEM} is (?:the )?least important (?:to|for) me\b", least),
    (rf"\b{_ITEM} is my (?:lowest|last|least) priority\b", least),
    (rf"\bmy (?:lowest|last|least) priority is (?:the )?{_ITEM}\b", least),
)
_NEEDLESS = re.compile(
    rf"\bI (?:do not|don't|don\u2019t) (?:really )?need (?:any |much |a lot of |the )*{_ITEM}\b", re.I
)
_NOT_SAID_OF_ONESELF = re.compile(r"\b(?:not|never|doubt|whether|don't|don\u2019t|you|your|if)\b|\?\s*$", re.I)


def hear(text: str, speaker: str) -> tuple[Claim, ...]:
    """What a speaker says of its own priorities in its own words, as far as a few plain phrases go.

    Sentences that deny, ask or speak of the other are left alone, but for "I don't need ...".
    """
    found = [claim for claim in parse(text, speaker) if claim.variable == priorities_of(speaker)]
    if found:
        return tuple(found)
    for sentence in re.split(r"(?<=[.!?])\s+|[;,]\s+", text):
        if (needless := _NEEDLESS.search(sentence)) is not None:
            found += least(speaker, needless[1].lower())
        elif not _NOT_SAID_OF_ONESELF.search(sentence):
            found += _heard(sentence, speaker)
    return tuple(dict.fromkeys(found)) if allowed_by(found, speaker) else ()


def _heard(sentence: str, speaker: str) -> tuple[Claim, ...]:
    for pattern, claims in _HEARSAY:
        match = re.search(pattern, sentence, re.I)
        items = [item.lower() for item in match.groups()] if match else []
        if items and len(set(items)) == len(items):
            return claims(speaker, *items)
    return ()
