"""The tenant's own policies, and when anything of a finding last changed."""

from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "policy_edition",
        Column("number", Integer, primary_key=True, nullable=False),
        *(Column(name, Text, nullable=False) for name in ("applied_at", "person", "documents")),
    )
    op.add_column("finding", Column("updated_at", Text, nullable=False, server_default=""))
