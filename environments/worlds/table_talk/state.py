"""How things stand at the table: who is where, what is true, who has come to hear it, who is ready to part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict

from tertulia.environments.world import Event
from tertulia.environments.worlds.table_talk.params import AWAY, TableParams, TableSeat
from tertulia.storage.made import Made


class TableState(Made, BaseModel):
    """Frozen; every change makes a new one. `where` maps each name to its room, or `away`."""

    model_config = ConfigDict(frozen=True)

    turn: int = 0
    cast: tuple[str, ...]
    """All, in seat order."""
    where: dict[str, str]
    truth: dict[str, str]
    parted: tuple[str, ...] = ()
    informed: dict[str, tuple[str, ...]]
    """Per variable with a truth: who knew it, witnessed it or heard it said, as it is now."""

    def here(self, room: str) -> tuple[str, ...]:
        """Those in a room, in seat order; nobody is together in `away`."""
        return () if room == AWAY else tuple([name for name in self.cast if self.where[name] == room])

    @property
    def present(self) -> tuple[str, ...]:
        """All who have not left, in seat order."""
        return tuple(name for name in self.cast if self.where[name] != AWAY)

    def moved(self, name: str, room: str) -> TableState:
        """The state after `name` has gone to `room`."""
        return self.with_(where=self.where | {name: room})

    def after(self, events: Iterable[Event]) -> TableState:
        """The state after these events have been witnessed: who is informed, and who is still ready to part."""
        informed, parted = dict(self.informed), self.parted
        for event in events:
            for claim in event.claims:
                if claim.holds and claim.believer is None and self.truth.get(claim.variable) == claim.value:
                    informed[claim.variable] = self.ordered((*informed[claim.variable], *event.content))
            if event.kind == "part" and event.actor is not None:
                parted = self.ordered((*parted, event.actor))
            elif event.kind not in ("leave", "opening"):
                parted = ()
        if parted == self.parted and informed == self.informed:
            return self
        return self.with_(informed=informed, parted=parted)

    def changed(self, truth: Mapping[str, str]) -> TableState:
        """The state after these variables have taken new values, of which nobody has heard yet."""
        new = {name: value for name, value in truth.items() if self.truth.get(name) != value}
        return self.with_(truth=self.truth | new, informed=self.informed | dict.fromkeys(new, ()))

    def ordered(self, names: Iterable[str]) -> tuple[str, ...]:
        """These names, each once, in seat order."""
        given = set(names)
        return tuple(name for name in self.cast if name in given)


def first_state(params: TableParams, seats: Mapping[str, TableSeat]) -> TableState:
    """Before the opening: everybody in place, and those informed who know the truth from the start."""
    truth = {name: spec.truth for name, spec in params.variables.items() if spec.truth is not None}
    informed = {
        variable: tuple(
            name for name, seat in seats.items() if (seat.knows | seat.believes).get(variable) == value
        )
        for variable, value in truth.items()
    }  # fmt: skip
    where = {name: seat.room or params.rooms[0] for name, seat in seats.items()}
    return TableState(cast=tuple(seats), where=where, truth=truth, informed=informed)
