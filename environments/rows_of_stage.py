"""A stage as the log keeps it with the episode: who sits where, and how things stand."""

from __future__ import annotations

from typing import Any

from tertulia.environments.people.spec import HUMAN
from tertulia.environments.people.table import Table
from tertulia.environments.stage import Seat, Stage
from tertulia.storage.rows import ParticipantRow


def seats_of(stage: Stage, people: Table | None = None) -> list[ParticipantRow]:
    """The seats of an episode as rows. People have a pseudonym there and nothing else."""
    return [
        ParticipantRow(
            episode=stage.episode, name=seat.name, ordinal=ordinal, persona=seat.persona, goal=seat.goal,
            model=seat.model, mind=seat.spec.model_dump(mode="json"),
            kind="person" if seat.model == HUMAN else "agent",
            pseudonym=_pseudonym(stage, seat, people),
        )
        for ordinal, seat in enumerate(stage.seats.values())
    ]  # fmt: skip


def _pseudonym(stage: Stage, seat: Seat, people: Table | None) -> str | None:
    """None before a person has agreed: until then, nothing of them is kept."""
    if people is None or seat.model != HUMAN or stage.scenario.people.consent is not None:
        return None
    return people.pseudonym(seat.name)


def outcome_of(stage: Stage, state: Any) -> dict[str, Any]:
    """How things stand in a state of the world, as an episode's row keeps it."""
    outcome = stage.world.outcome(state)
    return {"reward": outcome.reward, "done": outcome.done, **outcome.detail}
