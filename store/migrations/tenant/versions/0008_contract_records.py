"""What is on record of a contract."""

from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "contract_record",
        Column("number", Integer, primary_key=True, nullable=False),
        Column("document", Text, nullable=False),
    )
