"""The floor in more words, and people at the table."""

import sqlalchemy as sa
from alembic import op

from tertulia.storage.types import Json, Text, Utc

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
    """How thoughts and memories came up. What came to mind before was memories alone, found by their words."""
    if op.get_bind().dialect.name == "postgresql":
        for column, then in (("kind", "memory"), ("method", "lexical")):
            op.add_column("recall", sa.Column(column, Text(), nullable=False, server_default=then))
            op.alter_column("recall", column, server_default=None)
        return
    op.rename_table("recall", "recall_before")
    op.create_table(
        "recall",
        sa.Column("episode", Text(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("holder", Text(), nullable=False),
        sa.Column("memory", Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("saliency", sa.Float(), nullable=False),
        sa.Column("kind", Text(), nullable=False),
        sa.Column("method", Text(), nullable=False),
        sa.PrimaryKeyConstraint("episode", "turn", "holder", "memory", name="pk_recall"),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO recall SELECT *, 'memory', 'lexical' FROM recall_before")
    op.drop_table("recall_before")


def _people() -> None:
    """What people send, with times only where they agreed; who agreed to what, and what people were asked."""
    op.drop_table("inbox")  # nothing has ever written to it
    op.create_table(
        "inbox",
        sa.Column("episode", Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("participant", Text(), nullable=False),
        sa.Column("kind", Text(), nullable=False),
        sa.Column("text", Text(), nullable=False),
        sa.Column("data", Json(), nullable=True),
        sa.Column("arrived_at", Utc(), nullable=True),
        sa.Column("composed_ms", sa.Float(), nullable=True),
        sa.Column("taken_turn", sa.Integer(), nullable=True),
        sa.Column("refused", Text(), nullable=True),
        sa.Column("taken_take", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("episode", "ordinal", name="pk_inbox"),
    )
    op.create_table(
        "consent",
        sa.Column("episode", Text(), nullable=False),
        sa.Column("participant", Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("pseudonym", Text(), nullable=True),
        sa.Column("version", Text(), nullable=False),
        sa.Column("hash", Text(), nullable=False),
        sa.Column("words_go_to", Json(), nullable=False),
        sa.Column("times", sa.Boolean(), nullable=False),
        sa.Column("agreed_at", Utc(), nullable=False),
        sa.Column("withdrawn_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("episode", "participant", "ordinal", name="pk_consent"),
    )
    op.create_table(
        "answer",
        sa.Column("episode", Text(), nullable=False),
        sa.Column("participant", Text(), nullable=False),
        sa.Column("form", Text(), nullable=False),
        sa.Column("item", Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("kind", Text(), nullable=False),
        sa.Column("question", Text(), nullable=False),
        sa.Column("options", Json(), nullable=True),
        sa.Column("answer", Json(), nullable=True),
        sa.Column("correct", sa.Boolean(), nullable=True),
        sa.Column("answered_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("episode", "participant", "form", "item", name="pk_answer"),
    )
    op.add_column("probe", sa.Column("chain", Text(), nullable=True))
    op.add_column("probe", sa.Column("variable", Text(), nullable=True))
    op.add_column("probe", sa.Column("options", Json(), nullable=True))
