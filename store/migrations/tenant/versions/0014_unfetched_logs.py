"""What of logs lies at the cloud and was not fetched, by source and day."""

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "log_unfetched",
        *(Column(name, Text, primary_key=True, nullable=False) for name in ("source", "day")),
        *(Column(name, BigInteger) for name in ("objects", "bytes")),
        Column("gone", BigInteger, nullable=False),
        *(Column(name, Text, nullable=False) for name in ("how", "cause", "at")),
    )
