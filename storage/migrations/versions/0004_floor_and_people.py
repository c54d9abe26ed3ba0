"""The floor in more words, and people at the table."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _floor()
    _thoughts()
    _people()


def _floor() -> None:
    """What the floor weighed, and when on the conversation's clock."""
    op.add_column("turn", sa.Column("clock_s", sa.Float(), nullable=True))
    op.add_column("turn", sa.Column("lasted_s", sa.Float(), nullable=True))
    op.add_column("bid", sa.Column("interrupts", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("bid", sa.Column("strength", sa.Float(), nullable=True))
    op.add_column("bid", sa.Column("interrupted", sa.Boolean(), nullable=False, server_default=sa.false()))


def _thoughts() -> None:
    """How thoughts and memories came up."""


def _people() -> None:
    """Who agreed to what, and what people were asked."""
