"""Who has stopped changes, and who let them go on."""

from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "halt",
        Column("id", Integer, primary_key=True, nullable=False),
        *(
            Column(name, Text, nullable=False)
            for name in ("tenant", "person", "at", "reason", "lifted_by", "lifted_at")
        ),
    )
