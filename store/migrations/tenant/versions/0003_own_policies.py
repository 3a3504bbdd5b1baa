"""The tenant's own policies."""

from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "policy_edition",
        Column("number", Integer, primary_key=True, nullable=False),
        *(Column(name, Text, nullable=False) for name in ("applied_at", "person", "documents")),
    )
