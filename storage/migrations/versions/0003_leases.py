"""Who leads and what was spent, found without reading through all; histories that lie together; prompts kept once."""

import sqlalchemy as sa
from alembic import op

from tertulia.storage.types import Text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KEYS = {
    "appraisal": ["episode", "holder", "thought", "turn"],
    "belief": ["episode", "holder", "chain", "variable", "turn", "value"],
    "gold": ["episode", "chain", "variable", "turn", "value", "rule"],
}


def upgrade() -> None:
    led = sa.text("lease IS NOT NULL")
    op.create_index("ix_episode_lease", "episode", ["lease"], sqlite_where=led, postgresql_where=led)
    op.drop_index("ix_call", "call")
    calls = ["episode", "turn", "take", "participant", "purpose", "ordinal", "attempt", "status"]
    op.create_index("ix_call", "call", [*calls, "cost_usd", "input_tokens", "output_tokens"])
    op.add_column("call", sa.Column("base", Text(), nullable=True))
    op.add_column("call", sa.Column("shared", sa.Integer(), nullable=True))
    op.add_column("call", sa.Column("rest", Text(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        for table, key in _KEYS.items():
            op.drop_index(f"ix_{table}", table)
            op.drop_constraint(f"pk_{table}", table)
            op.create_primary_key(f"pk_{table}", table, key)
    else:
        _sqlite()


def _sqlite() -> None:
    """A table without row numbers is its key's tree: another order of the key is another table."""
    for table in _KEYS:
        op.rename_table(table, f"{table}_before")
    op.create_table(
        "appraisal",
        sa.Column("episode", Text(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("holder", Text(), nullable=False),
        sa.Column("thought", Text(), nullable=False),
        sa.Column("status", Text(), nullable=False),
        sa.Column("motivation", sa.Float(), nullable=False),
        sa.Column("relevance", sa.Float(), nullable=True),
        sa.Column("information_gap", sa.Float(), nullable=True),
        sa.Column("fills_gap", sa.Float(), nullable=True),
        sa.Column("expected_impact", sa.Float(), nullable=True),
        sa.Column("urgency", sa.Float(), nullable=True),
        sa.Column("coherence", sa.Float(), nullable=True),
        sa.Column("originality", sa.Float(), nullable=True),
        sa.Column("balance", sa.Float(), nullable=True),
        sa.Column("dynamics", sa.Float(), nullable=True),
        sa.Column("reason_for", Text(), nullable=True),
        sa.Column("reason_against", Text(), nullable=True),
        sa.Column("call", Text(), nullable=True),
        sa.PrimaryKeyConstraint(*_KEYS["appraisal"], name="pk_appraisal"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "belief",
        sa.Column("episode", Text(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("holder", Text(), nullable=False),
        sa.Column("chain", Text(), nullable=False),
        sa.Column("variable", Text(), nullable=False),
        sa.Column("value", Text(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("estimator", Text(), nullable=False),
        sa.Column("declared", sa.Boolean(), nullable=False),
        sa.Column("source_event", Text(), nullable=True),
        sa.Column("call", Text(), nullable=True),
        sa.PrimaryKeyConstraint(*_KEYS["belief"], name="pk_belief"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "gold",
        sa.Column("episode", Text(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("chain", Text(), nullable=False),
        sa.Column("variable", Text(), nullable=False),
        sa.Column("value", Text(), nullable=False),
        sa.Column("rule", Text(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("basis", Text(), nullable=False),
        sa.Column("robust", sa.Boolean(), nullable=True),
        sa.Column("established", Text(), nullable=True),
        sa.Column("source_event", Text(), nullable=True),
        sa.PrimaryKeyConstraint(*_KEYS["gold"], name="pk_gold"),
        sqlite_with_rowid=False,
    )
    for table in _KEYS:
        op.execute(f"INSERT INTO {table} SELECT * FROM {table}_before")
        op.drop_table(f"{table}_before")
