"""A seat's model when an episode is replayed: it answers from the recorded calls alone, and sends nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tertulia.agents.backends.base import BackendFailure, Completion, Prompt
from tertulia.agents.caller import SeatModel, _Asking
from tertulia.agents.limiter import Limiter
from tertulia.agents.reading import read
from tertulia.mind.model import Message, Request
from tertulia.storage.rows import CallRow

TOO_LONG = "too_long: "
"""How the error of an attempt begins whose prompt did not fit: the mind asked again with less."""


class AskedOtherwise(Exception):
    """What is asked now is not what was recorded: `what` differs, `recorded` in the log and `asked` in the replay."""

    def __init__(self, participant: str, what: str, recorded: Any, asked: Any) -> None:
        super().__init__(f"{participant}: {what}")
        self.participant = participant
        self.what = what
        self.recorded = recorded
        self.asked = asked


@dataclass(frozen=True, slots=True)
class Recorded:
    """The calls of one participant in one turn and take, as a ledger that nothing is written to."""

    calls: Sequence[CallRow]

    def recorded(self, purpose: str, ordinal: int) -> list[CallRow]:
        found = [row for row in self.calls if row.purpose == purpose and row.ordinal == ordinal]
        return sorted(found, key=lambda row: row.attempt)

    async def record(self, row: CallRow) -> None:
        """A replay leaves no trace."""


@dataclass(slots=True)
class Refusing:
    """The backend behind recorded calls: what it is asked did not fit then and does not fit now."""

    uri: str

    async def complete(self, prompt: Prompt) -> Completion:
        raise BackendFailure("too_long", "as recorded")

    async def aclose(self) -> None:
        """There is nothing to let go of."""


@dataclass
class RecordedModel(SeatModel):
    """Walks through the recorded attempts as a resumed episode does, and asks nobody. Make one with `of`.

    Raises `AskedOtherwise` where a request differs from what was recorded, or was not recorded at all.
    """

    asked: set[str] = field(default_factory=set)
    """The ids of the recorded calls that were walked through."""

    @classmethod
    def of(cls, calls: Sequence[CallRow], *, uri: str, episode: str, turn: int, take: int, participant: str) -> Any:
        """For one participant in one turn and take, whose calls these are."""
        return cls(
            Refusing(uri), uri=uri, episode=episode, turn=turn, take=take, participant=participant,
            ledger=Recorded(calls), limiter=Limiter(),
        )  # fmt: skip

    def _asking(
        self, request: Request[Any], messages: list[Message], attempt: int, recorded: Sequence[CallRow]
    ) -> _Asking:
        asking = super()._asking(request, messages, attempt, recorded)
        for place, row in enumerate(recorded[attempt:], attempt):
            if row.attempt != place:
                break
            self._compare(asking, row)
            self.asked.add(row.call)
            if row.status != "error":
                self._read_again(asking, row)
                return asking
        if not recorded[attempt:] or not (recorded[-1].error or "").startswith(TOO_LONG):
            name = f"a request: {_named(request)}, attempt {attempt}"
            raise AskedOtherwise(self.participant, name, None, _as_text(messages))
        return asking

    def _compare(self, asking: _Asking, row: CallRow) -> None:
        """Everything that goes into a request, in the order in which a person would look."""
        asked = {
            "prompt": [{"role": m.role, "content": m.content} for m in asking.prompt.messages],
            "model": self.uri,
            "schema": asking.prompt.schema.__name__,
            "sampling": asdict(asking.prompt.sampling),
            "hash of the request (its JSON schema)": asking.hash,
        }
        logged = (row.messages, row.uri, row.schema_name, row.sampling, row.hash)
        for (what, mine), theirs in zip(asked.items(), logged, strict=True):
            if mine != theirs:
                where = f"{what} of {_named(asking.request)}, attempt {row.attempt}"
                raise AskedOtherwise(self.participant, where, theirs, mine)

    def _read_again(self, asking: _Asking, row: CallRow) -> None:
        """A reply that was valid then must be valid now, and the other way round."""
        if row.reply is None:
            return
        reading = read(Completion(row.reply, row.finish or "stop"), asking.request.schema)
        now = "repaired" if reading.repaired else "ok"
        if reading.value is None:
            now = "fallback" if row.status == "fallback" else "invalid"
        if now != row.status:
            where = f"status of the reply to {_named(asking.request)}, attempt {row.attempt}"
            raise AskedOtherwise(self.participant, where, row.status, now)


def _named(request: Request[Any]) -> str:
    return f"'{request.purpose}' number {request.ordinal}"


def _as_text(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]
