"""The first tables."""

from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "audit_head",
        Column("tenant", Text, primary_key=True, nullable=False),
        Column("seq", Integer, nullable=False),
        Column("hash", Text, nullable=False),
    )
    op.create_table(
        "edition",
        Column("tenant", Text, primary_key=True, nullable=False),
        Column("number", Integer, primary_key=True, nullable=False),
        Column("applied_at", Text, nullable=False),
        Column("person", Text, nullable=False),
        Column("document", Text, nullable=False),
    )
    op.create_table(
        "lease",
        Column("job", Text, primary_key=True, nullable=False),
        Column("number", Integer, nullable=False),
        Column("run", Text, nullable=False),
        Column("done_at", Text, nullable=True),
    )
