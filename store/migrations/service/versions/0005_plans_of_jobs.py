"""Which plan a job carries out."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("job", Column("plan", Text, nullable=False, server_default=""))
