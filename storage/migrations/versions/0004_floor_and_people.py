"""The floor in more words, and people at the table."""

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


def _thoughts() -> None:
    """How thoughts and memories came up."""


def _people() -> None:
    """Who agreed to what, and what people were asked."""
