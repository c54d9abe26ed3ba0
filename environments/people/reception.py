"""Before the first turn and after the last: people are asked for their consent, and given questionnaires."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tertulia.environments.people.errors import Declined, Unreadable
from tertulia.environments.people.forms import FORMS, FormItem, form_message, read_answers
from tertulia.environments.stage import Stage
from tertulia.storage.log import Log
from tertulia.storage.rows import Row
from tertulia.storage.rows_of_people import AnswerRow, ConsentRow
from tertulia.storage.types import now

if TYPE_CHECKING:
    from tertulia.environments.people.chair import Chair

CONSENT = "consent"


@dataclass(slots=True)
class Reception:
    """What each person has still to answer before it goes on, one after the other."""

    stage: Stage
    log: Log
    words_go_to: Sequence[str]
    tell: Callable[[Chair, Mapping[str, Any]], None]
    declined: Declined | None = None
    _owed: dict[str, list[str]] = field(default_factory=dict)
    """By seat: `consent`, `before` or `after`, in order."""
    _asked: dict[str, int] = field(default_factory=dict)
    """By seat: how often somebody agreed there."""

    def open(self, chairs: Iterable[Chair]) -> None:
        """Look up who has agreed and answered already; what a person agreed to holds for as long as nothing of it
        changes."""
        spec = self.stage.scenario.people
        agreed = self.log.rows(ConsentRow, self.stage.episode)
        answered = {(row.participant, row.form) for row in self.log.rows(AnswerRow, self.stage.episode)}
        for chair in chairs:
            mine = sorted((row for row in agreed if row.participant == chair.seat), key=lambda row: row.ordinal)
            self._asked[chair.seat] = len(mine)
            owed = self._owed[chair.seat] = []
            if spec.consent is not None and not (mine and self._holds(mine[-1])):
                owed.append(CONSENT)
            elif mine:
                chair.keeps_times, chair.pseudonym = mine[-1].times, mine[-1].pseudonym
            if spec.before and self.stage.head < 0 and (chair.seat, "before") not in answered:
                owed.append("before")

    def _holds(self, row: ConsentRow) -> bool:
        consent = self.stage.scenario.people.consent
        same = consent is not None and row.hash == consent.hash and list(row.words_go_to) == list(self.words_go_to)
        return same and row.withdrawn_at is None

    def owes(self, seat: str) -> bool:
        """Whether something has to be answered at a seat before it goes on."""
        return bool(self._owed.get(seat))

    def excuse(self, seat: str) -> None:
        """Somebody left before they answered everything: what they have not answered is not waited for."""
        self._owed[seat] = []

    def may_see(self, seat: str) -> bool:
        """Whether a person may be shown anything: not before they agreed."""
        return CONSENT not in self._owed.get(seat, ())

    def greet(self, chair: Chair) -> None:
        """Ask what comes next at a seat, if anything does."""
        if owed := self._owed.get(chair.seat):
            self.tell(chair, self._consent(chair) if owed[0] == CONSENT else self._form(owed[0]))

    def part(self, chairs: Iterable[Chair]) -> None:
        """It is over: whoever is here is given the questionnaire that comes afterwards."""
        for chair in chairs:
            if self.stage.scenario.people.after and chair.here:
                self._owed[chair.seat] = ["after"]
                self.greet(chair)

    async def agree(self, chair: Chair, data: Mapping[str, Any]) -> None:
        """A person's yes or no. A no ends the episode. Raises `Unreadable`."""
        consent = self.stage.scenario.people.consent
        if consent is None or self.may_see(chair.seat):
            raise Unreadable("nothing waits for your consent")
        if not isinstance(data.get("agreed"), bool):
            raise Unreadable("say whether you agree: yes or no")
        if not data["agreed"]:
            self.declined = Declined(chair.seat)
            return
        chair.keeps_times = self._offers_times() and data.get("times") is True
        row = ConsentRow(
            episode=self.stage.episode, participant=chair.seat, ordinal=self._asked[chair.seat],
            pseudonym=chair.pseudonym, version=consent.version, hash=consent.hash, words_go_to=list(self.words_go_to),
            times=chair.keeps_times, agreed_at=now(),
        )  # fmt: skip
        await self.log.agree(row)
        self._asked[chair.seat] += 1
        self._answered(chair, CONSENT)

    async def fill(self, chair: Chair, form: str, answers: Any) -> None:
        """A person's answers to a whole questionnaire, kept before this returns. Raises `Unreadable`."""
        if form not in FORMS or form not in self._owed.get(chair.seat, ())[:1]:
            raise Unreadable("nothing waits for these answers")
        items = self._items(form)
        found = read_answers(items, answers if isinstance(answers, Mapping) else {})
        at = now() if chair.keeps_times else None
        rows: list[Row] = [
            AnswerRow(
                episode=self.stage.episode, participant=chair.seat, form=form, item=item.name, ordinal=ordinal,
                kind=item.kind, question=item.ask, options=_options(item), answer=found[item.name],
                correct=item.correct(found[item.name]), answered_at=at,
            )
            for ordinal, item in enumerate(items)
        ]  # fmt: skip
        await self.log.record(rows)
        self._answered(chair, form)

    def _answered(self, chair: Chair, what: str) -> None:
        self._owed[chair.seat].remove(what)
        self.greet(chair)

    def _items(self, form: str) -> tuple[FormItem, ...]:
        people = self.stage.scenario.people
        return people.before if form == "before" else people.after

    def _form(self, form: str) -> dict[str, Any]:
        return form_message(form, self._items(form))

    def _consent(self, chair: Chair) -> dict[str, Any]:
        consent = self.stage.scenario.people.consent
        assert consent is not None
        return {
            "kind": CONSENT, "text": consent.shown, "version": consent.version, "hash": consent.hash,
            "words_go_to": list(self.words_go_to), "offers_times": self._offers_times(), "pseudonym": chair.pseudonym,
        }  # fmt: skip

    def _offers_times(self) -> bool:
        return self.stage.scenario.people.times == "offer"


def _options(item: FormItem) -> list[Any] | None:
    """What could be chosen, as it was shown."""
    if item.kind == "choice":
        return list(item.choices)
    return [*range(1, item.scale + 1)] if item.kind == "likert" else None
