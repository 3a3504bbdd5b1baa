"""What came in of monitoring logs."""

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0011"
down_revision = "0010"


def _texts(*names: str, key: bool = False) -> list[Column[str]]:
    return [Column(name, Text, primary_key=key, nullable=False) for name in names]


def _numbers(*names: str) -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "log_count",
        *_texts("source", "slot", "what", "cause", key=True),
        *_numbers("records", "bytes", "cpu_us"),
    )
    op.create_index("log_count_slot", "log_count", ["slot"])
    op.create_table(
        "log_piece",
        *_texts("source", "id", key=True),
        *_texts("content", "name", "taken_at", "state"),
        *_numbers("records", "bytes"),
    )
    op.create_table("log_event", *_texts("source", "id", key=True), *_texts("at"))
    op.create_index("log_event_at", "log_event", ["at"])
    op.create_table(
        "log_aside",
        *_texts("source", "piece", "first", key=True),
        *_texts("last", "reason", "at"),
        *_numbers("records", "bytes"),
    )
    op.create_table(
        "log_segment",
        *_texts("source", "id", key=True),
        *_texts("day", "slot", "first_at", "last_at"),
        *_numbers("records", "bytes"),
    )
    op.create_index("log_segment_day", "log_segment", ["day"])
