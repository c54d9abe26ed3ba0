"""What gold rests on, claims about beliefs, and probes with their distributions."""

import sqlalchemy as sa
from alembic import op

from tertulia.storage.types import Json, Text, Utc

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("claim", sa.Column("believer", Text(), nullable=True))
    op.add_column("gold", sa.Column("established", Text(), nullable=True))
    op.add_column("gold", sa.Column("source_event", Text(), nullable=True))
    for never_written in ("probe", "score"):  # no version before this one had anything to put into them
        op.drop_table(never_written)
    op.create_table(
        "probe",
        sa.Column("episode", Text(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("participant", Text(), nullable=False),
        sa.Column("kind", Text(), nullable=False),
        sa.Column("about", Text(), nullable=True),
        sa.Column("question", Text(), nullable=False),
        sa.Column("answer", Json(), nullable=True),
        sa.Column("error", Text(), nullable=True),
        sa.Column("scheduled", sa.Boolean(), nullable=False),
        sa.Column("model", Text(), nullable=False),
        sa.Column("call", Text(), nullable=True),
        sa.Column("created_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("episode", "turn", "ordinal", name="pk_probe"),
    )
    op.create_table(
        "probe_belief",
        sa.Column("episode", Text(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("holder", Text(), nullable=False),
        sa.Column("chain", Text(), nullable=False),
        sa.Column("variable", Text(), nullable=False),
        sa.Column("value", Text(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("estimator", Text(), nullable=False),
        sa.PrimaryKeyConstraint("episode", "turn", "ordinal", "chain", "variable", "value", name="pk_probe_belief"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "score",
        sa.Column("id", Text(), nullable=False),
        sa.Column("run", Text(), nullable=False),
        sa.Column("episode", Text(), nullable=True),
        sa.Column("measure", Text(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=True),
        sa.Column("holder", Text(), nullable=True),
        sa.Column("chain", Text(), nullable=True),
        sa.Column("variable", Text(), nullable=True),
        sa.Column("estimator", Text(), nullable=True),
        sa.Column("target", Text(), nullable=True),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("n", sa.Integer(), nullable=True),
        sa.Column("detail", Json(), nullable=True),
        sa.Column("created_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_score"),
    )
    op.create_index("ix_score", "score", ["episode", "measure"])
