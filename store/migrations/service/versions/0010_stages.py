"""What was measured of each minute's logs, the stages of all tenants, and what was decided (Article 11)."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0010"
down_revision = "0009"

_TABLES = {
    "log_machine": (("machine", "minute"), ("document",)),
    "log_minute": (("minute",), ("document",)),
    "log_stages": (("id",), ("minute", "document")),
    "log_decision": (("id",), ("tenant", "at", "state", "document")),
}


def upgrade() -> None:
    for name, (keys, others) in _TABLES.items():
        op.create_table(
            name,
            *(Column(key, Text, primary_key=True, nullable=False) for key in keys),
            *(Column(other, Text, nullable=False) for other in others),
        )
