"""Who leads an episode, and where it belongs in a batch."""

from __future__ import annotations

from dataclasses import dataclass, field

from tertulia.storage.log import new_token

LEASE_S = 600.0
"""How long an episode that is played alone stays ours without a sign of life."""


@dataclass(frozen=True, slots=True)
class Leader:
    """Who leads episodes, and for how long without a sign of life. One who leads many renews all leases at once."""

    token: str = field(default_factory=new_token)
    lease_s: float = LEASE_S
    renews: bool = False
    """Whoever made this renews the leases; an episode that is played alone does so itself."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an episode belongs in a batch: a cell of its grid, and which of several plays of the same seed it is."""

    batch: str
    cell: str
    replicate: int = 0
