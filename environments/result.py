"""What came of an episode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tertulia.storage.rows import EpisodeStatus


@dataclass(frozen=True, slots=True)
class EpisodeResult:
    """How an episode ended or paused: one JSON line of `tertulia run --json`."""

    episode: str
    scenario: str
    seed: int
    status: EpisodeStatus
    reason: str
    outcome: dict[str, Any]
    turns: int
    """Turns played, without the opening and the closing."""
    utterances: int
    calls: int
    """Requests to models; one that took several attempts counts once."""
    fallbacks: int
    cost_usd: float | None
    """None where a price is unknown."""
    wall_ms: float

    @property
    def reward(self) -> float | None:
        reward = self.outcome.get("reward")
        return None if reward is None else float(reward)
