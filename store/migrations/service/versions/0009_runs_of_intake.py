"""From when to when processes took logs in."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "log_run",
        *(Column(name, Text, primary_key=True, nullable=False) for name in ("holder", "since")),
        Column("until", Text, nullable=False),
    )
