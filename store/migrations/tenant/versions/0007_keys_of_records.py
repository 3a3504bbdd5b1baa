"""By which key a record of the audit chain was sealed, and in which session it was written."""

from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("audit", Column("key", Text, nullable=False, server_default=""))
    op.add_column("audit", Column("session", Integer, nullable=False, server_default="0"))
