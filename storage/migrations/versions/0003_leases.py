"""Which episodes are led, and what their calls have cost, found without reading through all of them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    led = sa.text("lease IS NOT NULL")
    op.create_index("ix_episode_lease", "episode", ["lease"], sqlite_where=led, postgresql_where=led)
    op.drop_index("ix_call", "call")
    keys = ["episode", "turn", "take", "participant", "purpose", "ordinal", "attempt", "status"]
    op.create_index("ix_call", "call", [*keys, "cost_usd", "input_tokens", "output_tokens"])
