"""Exceptions, and the tags of our own records."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "asset_tag",
        Column("uid", Text, primary_key=True, nullable=False),
        Column("tag", Text, primary_key=True, nullable=False),
    )
    op.create_table(
        "suppression",
        Column("id", Text, primary_key=True, nullable=False),
        *(
            Column(name, Text, nullable=False)
            for name in ("reason", "author", "created_at", "expires_at", "policy", "scope", "region", "resource", "tag")
        ),
        Column("withdrawn_at", Text, nullable=False),
    )
    op.add_column("finding", Column("suppressed_by", Text, nullable=False, server_default=""))
