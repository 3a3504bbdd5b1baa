"""Of pieces of logs that wait: how many records were counted when they came. The committed rate that
was observed. When each source was heard.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("log_piece", Column("offered", BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "log_rate",
        Column("since", Text, primary_key=True, nullable=False),
        Column("until", Text, nullable=False),
        Column("records_per_minute", BigInteger, nullable=False),
    )
    op.create_table(
        "log_heard",
        Column("source", Text, primary_key=True, nullable=False),
        *(Column(name, Text, nullable=False) for name in ("first", "last")),
        Column("longest_pause", BigInteger, nullable=False),
    )
