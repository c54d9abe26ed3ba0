"""Which episodes are led, found without reading through all of them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    led = sa.text("lease IS NOT NULL")
    op.create_index("ix_episode_lease", "episode", ["lease"], sqlite_where=led, postgresql_where=led)
