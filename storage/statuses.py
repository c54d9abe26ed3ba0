"""How an episode stands, in the groups that everybody asks for."""

from __future__ import annotations

PLAYED_OUT = ("success", "degraded")
"""Played to its end: what can be measured."""
ENDED = (*PLAYED_OUT, "cancelled")
"""Over: it cannot be gone on with."""
ONGOING = ("running", "paused")
"""Not over, and nothing went wrong with it."""
BROKEN_OFF = ("paused", "error")
"""How one stands that was played and did not come to its end."""
UNFINISHED = (*ONGOING, "error")
"""Not over: it can be gone on with."""
