"""Takes away until when an account is locked: wrong guesses put the next one off, and lock nobody out."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.drop_column("person", "locked_until")
