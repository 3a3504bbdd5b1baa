"""By which key a record of the service's chain was sealed; what authenticates the copies of the tenants' heads."""

from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("audit", Column("key", Text, nullable=False, server_default=""))
    op.add_column("audit", Column("session", Integer, nullable=False, server_default="0"))
    op.add_column("audit_head", Column("code", Text, nullable=False, server_default=""))
