"""Of pieces of logs that wait: how many records were counted when they came."""

from alembic import op
from sqlalchemy import BigInteger, Column

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("log_piece", Column("offered", BigInteger, nullable=False, server_default="0"))
