"""How the stage of a tenant's logs changed, and what of them is let in (Article 11)."""

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "stage_change",
        Column("id", Text, primary_key=True, nullable=False),
        *(Column(name, Text, nullable=False) for name in ("at", "before", "after", "reason", "document")),
    )
    op.create_table(
        "log_admission",
        Column("id", Text, primary_key=True, nullable=False),
        Column("stage", Text, nullable=False),
        Column("records_per_minute", BigInteger, nullable=False),
        Column("at", Text, nullable=False),
    )
