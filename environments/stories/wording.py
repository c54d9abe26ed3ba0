"""Other words for the sentences that published stories are made of; each says the same, and no two become one."""

from __future__ import annotations

import re
from random import Random

_WHO = r"(?P<who>[A-Z]\w*(?:(?:, [A-Z]\w*)* and [A-Z]\w*)?)"
_ONE, _TWO = r"(?P<one>[A-Z]\w*)", r"(?P<two>[A-Z]\w*)"
_THING, _BOX, _ROOM = r"(?P<thing>\w+)", r"(?P<box>\w+)", r"(?P<room>\w+)"

_FORMS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern), ways)
    for pattern, ways in (
        (rf"{_WHO} entered the {_ROOM}\.?", ("{who} came into the {room}.", "{who} walked into the {room}.")),
        (rf"{_ONE} exited the {_ROOM}\.?", ("{one} left the {room}.", "{one} went out of the {room}.")),
        (rf"{_ONE} moved the {_THING} to the {_BOX}\.?",
         ("{one} took the {thing} and put it into the {box}.", "{one} carried the {thing} over to the {box}.")),
        (rf"The {_THING} is in the {_BOX}\.?",
         ("One can see the {thing} in the {box}.", "In the {box} lies the {thing}.")),
        (rf"{_ONE} made no movements and stayed in the {_ROOM} for 1 minute\.?",
         ("{one} stood still in the {room} for a minute.", "For a minute {one} did nothing in the {room}.")),
        (rf"{_ONE} publicly claimed that {_THING} is in the {_BOX}\.?",
         ("{one} said aloud that the {thing} is in the {box}.",
          "{one} told everybody that the {thing} is in the {box}.")),
        (rf"{_ONE} privately told {_TWO} that the {_THING} is in the {_BOX}\.?",
         ("{one} told {two} in confidence that the {thing} is in the {box}.",
          "{two} alone heard from {one} that the {thing} is in the {box}.")),
        (rf"{_ONE} (?P<how>loves|likes|hates|dislikes) the {_THING}\.?",
         ("As everybody knows, {one} {how} the {thing}.", "It is said that {one} {how} the {thing}.")),
        (rf"Where was the {_THING} at the beginning\?",
         ("Where did the {thing} lie at first?", "In what was the {thing} to begin with?")),
        (rf"Where is the {_THING} really\?",
         ("Where is the {thing} in fact?", "In what is the {thing} now, in truth?")),
        (rf"Where will {_ONE} look for the {_THING}\?",
         ("In what will {one} search for the {thing} first?", "When {one} wants the {thing}, where will {one} go?")),
        (rf"Where does {_ONE} think that {_TWO} searches for the {_THING}\?",
         ("In {one}'s opinion, where would {two} go for the {thing}?",
          "Where would {two} look for the {thing}, if {one} had to say?")),
        (rf"Where does {_ONE} really think the {_THING} is\?",
         ("In what is the {thing}, as {one} truly sees it?", "What place does {one} truly believe the {thing} is in?")),
        (rf"Where does (?P<chain>[A-Z]\w* think(?:s)? (?:[A-Z]\w* thinks )+)the {_THING} is\?",
         ("What place does {chain}the {thing} is in?", "Asked where the {thing} is, what does {chain}it is?")),
    )
)  # fmt: skip


def reworded(text: str, seed: str) -> str:
    """The same in other words, where the sentence is of a known form; else the sentence as it is. The same seed
    chooses the same words for all sentences of a form."""
    for number, (pattern, ways) in enumerate(_FORMS):
        if found := pattern.fullmatch(text):
            return Random(f"{seed}/{number}").choice(ways).format(**found.groupdict())
    return text
