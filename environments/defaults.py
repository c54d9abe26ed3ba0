"""How much at once and how long, unless somebody says otherwise: for commands and for whoever calls from Python."""

from __future__ import annotations

AT_ONCE = 16
"""Episodes at once in one process."""
AT_ONCE_IN_A_BATCH = 64
"""Episodes at once in each worker of a batch."""
LEASE_S = 60.0
"""How long a worker of a batch may be silent before others take over what it leads."""
