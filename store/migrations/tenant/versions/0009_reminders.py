"""What of a contract people were reminded of."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "reminder",
        Column("id", Text, primary_key=True, nullable=False),
        Column("channel", Text, primary_key=True, nullable=False),
        Column("sent_at", Text, nullable=False),
    )
