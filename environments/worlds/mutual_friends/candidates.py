"""What might be said or done now, each with the thought behind it and why it matters."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum, log

from tertulia.environments.world import Action, Candidate, Pass
from tertulia.environments.worlds.mutual_friends.claims import CountOf, RowOf, count_claim, read_variable, row_claim
from tertulia.environments.worlds.mutual_friends.language import Language
from tertulia.environments.worlds.mutual_friends.motives import Moment, motivation, scores
from tertulia.environments.worlds.mutual_friends.posterior import Row
from tertulia.environments.worlds.mutual_friends.speaking import VALUES_PER_UTTERANCE, Fact, Speaking
from tertulia.environments.worlds.mutual_friends.table import Table, Utterance
from tertulia.environments.worlds.mutual_friends.world import Say, Select
from tertulia.storage.seen import Claim, Seen

SURE = 0.999
"""From this belief on a friend is selected."""
CLEAR = 0.95
"""From this expected belief of the partner's on, nothing more needs to be said."""
TEXT_LENGTH = 600


def candidates(table: Table, speaking: Speaking, language: Language, seen: Seen) -> list[Candidate]:
    """All candidates of one moment: at least two of system 2, and a quick reaction (system 1)."""
    return _Deliberation(table, speaking, language, seen).run()


class _Deliberation:
    def __init__(self, table: Table, speaking: Speaking, language: Language, seen: Seen) -> None:
        self.table, self.speaking, self.language = table, speaking, language
        beliefs = speaking.beliefs
        self.likeliest = max(range(len(beliefs)), key=lambda i: (beliefs[i], -i))
        self.certainty = beliefs[self.likeliest]
        self.heard = table.last_said(table.partner)
        self.proposed = self._open_proposal()
        spoken = [utterance.speaker for utterance in table.talk]
        self.moment = Moment(
            gap=1.0 - fsum(p * q for p, q in zip(beliefs, speaking.inferred, strict=True)),
            quiet=seen.turn if seen.last_spoke is None else seen.turn - seen.last_spoke - 1,
            mine_spoken=spoken.count(table.me),
            theirs_spoken=spoken.count(table.partner),
            answered=bool(spoken) and spoken[-1] == table.me,
        )

    def run(self) -> list[Candidate]:
        facts = self.speaking.facts()
        best, gain = self.speaking.best_facts(facts, first=self._settling(facts))
        proposing = 0.0 if self.certainty >= SURE else self.speaking.gain_of_proposing(self.likeliest)
        found = [self._tell(best, gain, main=gain >= proposing or self.proposed is not None)] if best else []
        found += self._sure() if self.certainty >= SURE else self._propose(main=proposing > gain)
        found += self._deny(best)
        rest = [fact for fact in facts if fact not in best]
        if rest and len(found) < 3:
            second, gain = self.speaking.best_facts(rest, most=2)
            found.append(self._tell(second, gain))
        found += self._reaction(facts)
        found.append(self._wait())
        return list({candidate.gloss: candidate for candidate in reversed(found)}.values())

    # -- sure ----------------------------------------------------------------------------------------------------

    def _sure(self) -> list[Candidate]:
        """Select, and name the friend for the partner; first whichever the partner is waiting for."""
        place, table = self.likeliest, self.table
        label, row = table.labels[place], table.rows[place]
        named = self.speaking.mine.evidence.has_said(row)
        found = []
        asks = self.heard is not None and self._names(self.heard, row, ("has",)) and not named
        knows = (
            (table.partner_selected is not None or self.speaking.inferred[place] >= CLEAR or self._picked(row))
            and not asks and table.differ is None
        )  # fmt: skip
        if table.selected != label:
            gloss = f"It can only be {label}: I select."
            first = knows or named
            found.append(self._candidate(gloss, Select(friend=label), touches=1, gain=1, new=1, gap=1,
                                         urgent=1 if first else 0.6))  # fmt: skip
        claim = row_claim(table.me, "picks", self._pairs(row))
        if claim is not None and not named and (not knows or table.selected == label):
            act = self._say([claim])
            if act is not None:
                gloss = f"{table.partner} should hear which friend we share: {label}."
                found.append(self._candidate(gloss, act, touches=1, gain=1, new=1, gap=1, urgent=1))
        return found

    def _names(self, utterance: Utterance, row: Row, verbs: Sequence[str]) -> bool:
        return any(read.verb in verbs and tuple(v for _, v in read.pairs) == row for read in self._rows_in(utterance))

    def _picked(self, row: Row) -> bool:
        said = (u for u in self.table.talk if u.speaker == self.table.partner)
        return any(self._names(utterance, row, ("picks",)) for utterance in said)

    # -- not sure ------------------------------------------------------------------------------------------------

    def _propose(self, main: bool) -> list[Candidate]:
        """Name the likeliest row in full and have the partner say yes or no."""
        row = self.table.rows[self.likeliest]
        claim = row_claim(self.table.me, "has", self._pairs(row))
        if claim is None or self.speaking.mine.evidence.has_said(row) or self.certainty <= 1.5 / len(self.table.rows):
            return []
        act = self._say([claim])
        if act is None:
            return []
        gain = self._share(self.speaking.gain_of_proposing(self.likeliest))
        gloss = f"It may well be {self.table.labels[self.likeliest]}; I should name that one and see."
        return [self._candidate(gloss, act, touches=1, gain=gain, new=len(row) / VALUES_PER_UTTERANCE,
                                urgent=self.moment.gap if main else 0)]  # fmt: skip

    def _open_proposal(self) -> Row | None:
        """A row the partner asserted that I do not have and have not ruled out by what I said."""
        evidence = self.speaking.partner.evidence
        for row in reversed((*evidence.held_before, *evidence.held)):
            if row not in self.table.rows and self.speaking.mine.of(row) > 0:
                return row
        return None

    def _settling(self, facts: list[Fact]) -> list[Fact]:
        """With a proposal open, the facts that settle it, if there are any: a value of it that none of mine has."""
        row = self.proposed
        return [] if row is None else [f for f in facts if f.count == 0 and row[f.column] == f.value]

    def _deny(self, best: Sequence[Fact]) -> list[Candidate]:
        row = self.proposed
        if row is None or self._settling(list(best)):
            return []
        claim = row_claim(self.table.me, "has", self._pairs(row), yes=False)
        act = self._say([claim]) if claim else None
        if act is None:
            return []
        gloss = f"I have no friend like the one {self.table.partner} named; I should say so."
        return [self._candidate(gloss, act, touches=1, gain=0.6, new=1, urgent=1)]

    def _tell(self, facts: Sequence[Fact], gain: float, main: bool = False, gloss: str = "") -> Candidate:
        """`main`: nothing else is expected to gain more. With a `gloss` it is a quick reaction (system 1)."""
        act = self._say([self._claim(fact) for fact in facts])
        values = _listed([fact.value for fact in facts])
        return self._candidate(
            gloss or f"{self.table.partner} should know how many of mine there are with {values}.",
            act or Pass(), system=1 if gloss else 2, touches=self._touched(facts), gain=self._share(gain),
            new=len(facts) / VALUES_PER_UTTERANCE, urgent=self.moment.gap if main else 0,
        )  # fmt: skip

    # -- quick and idle ------------------------------------------------------------------------------------------

    def _reaction(self, facts: Sequence[Fact]) -> list[Candidate]:
        """System 1: one short answer to what was said last, or whatever comes to mind first."""
        if not facts:
            return []
        spoken = self._counts_in(self.heard) if self.heard else []
        about = [f for f in facts if any(f.column == c and f.value == v for c, v, _ in spoken)]
        fact = max(about or facts, key=lambda f: (f.count, -f.column))
        said = next((k for c, v, k in spoken if c == fact.column and v == fact.value), None)
        _, gain = self.speaking.best_facts([fact], most=1)
        return [self._tell([fact], gain, gloss=self._thought_of(fact, said))]

    def _thought_of(self, fact: Fact, said: str | None) -> str:
        partner, having = self.table.partner, f"{self.table.game.attributes[fact.column]} {fact.value}"
        mine = [label for label, row in zip(self.table.labels, self.table.rows, strict=True)
                if row[fact.column] == fact.value]  # fmt: skip
        if said == "0" and mine:
            return f"{partner} has nobody with {having}, so it cannot be {_listed(mine, 'or')}."
        if said is not None and not mine:
            return f"{partner} has somebody with {having}; I have nobody like that."
        if said is not None:
            return f"{partner} also has somebody with {having}: it could be {_listed(mine, 'or')}."
        return f"The first thing that comes to my mind: {having}."

    def _wait(self) -> Candidate:
        if self.table.selected is not None and self.table.differ is None:
            gloss = f"I have selected; I wait for {self.table.partner}."
        else:
            gloss = f"I would rather hear what {self.table.partner} has to say."
        return self._candidate(gloss, Pass(), touches=0, gain=0, new=0, urgent=0)

    # -- common --------------------------------------------------------------------------------------------------

    def _candidate(self, gloss: str, act: Action, *, touches: float, gain: float, new: float,
                   urgent: float, system: int = 2, gap: float | None = None) -> Candidate:  # fmt: skip
        parts = scores(self.moment, touches=touches, gain=gain, new=new, urgent=urgent, gap=gap)
        answers = self.heard is not None and not self.moment.answered and touches > 0
        stimuli = (self.heard.event.id,) if self.heard is not None and answers else ()
        return Candidate(gloss=gloss, act=act, system=1 if system == 1 else 2, stimuli=stimuli, scores=parts,
                         motivation=motivation(parts))  # fmt: skip

    def _share(self, nats: float) -> float:
        """Of what there is to learn: for each of us, which of n friends it is."""
        return nats / (2 * log(self.table.game.n))

    def _say(self, claims: Sequence[Claim | None]) -> Say | None:
        """The utterance, with as many of the claims as fit into it; None where not even one fits."""
        known = [claim for claim in claims if claim is not None]
        while known:
            text = self.language.render(known)
            if len(text) <= TEXT_LENGTH:
                return Say(text=text, asserts=tuple(known))
            known.pop()
        return None

    def _claim(self, fact: Fact) -> Claim | None:
        return count_claim(self.table.me, self.table.game.attributes[fact.column], fact.value, fact.count)

    def _pairs(self, row: Row) -> tuple[tuple[str, str], ...]:
        return tuple(zip(self.table.game.attributes, row, strict=True))

    def _touched(self, facts: Sequence[Fact]) -> float:
        """The share of the facts that matter: of friends of mine who may be shared, or of values the partner named."""
        spoken = [self.speaking.partner.evidence.values(c) for c in range(len(self.table.game.attributes))]
        likely = [row for row, p in zip(self.table.rows, self.speaking.beliefs, strict=True) if p > 0]
        matter = [f.value in spoken[f.column] or any(row[f.column] == f.value for row in likely) for f in facts]
        return fsum(matter) / max(len(facts), 1)

    def _rows_in(self, utterance: Utterance) -> list[RowOf]:
        reads = (read_variable(claim.variable, self.table.game.attributes) for claim in utterance.claims)
        return [read for read in reads if isinstance(read, RowOf)]

    def _counts_in(self, utterance: Utterance) -> list[tuple[int, str, str]]:
        found = []
        for claim in utterance.claims:
            read = read_variable(claim.variable, self.table.game.attributes)
            if isinstance(read, CountOf) and claim.holds:
                found.append((self.table.game.attributes.index(read.attribute), read.value, claim.value))
        return found


def _listed(words: Sequence[str], last: str = "and") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
