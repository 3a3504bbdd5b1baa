"""Finds the last record that collects what is known of people, tokens and stops of changes."""

from alembic import op
from sqlalchemy import text

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    collecting = text("action = 'rows.collected'")
    op.create_index("audit_collected", "audit", ["seq"], sqlite_where=collecting, postgresql_where=collecting)
