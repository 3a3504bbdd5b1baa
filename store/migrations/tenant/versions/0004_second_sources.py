"""What others' checks say of a finding."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("finding", Column("sources", Text, nullable=False, server_default="[]"))
