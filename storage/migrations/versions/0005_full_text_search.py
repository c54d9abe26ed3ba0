"""What was said and thought can be searched."""

from alembic import op

from tertulia.storage.search import create_search

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_search(op.get_bind())
