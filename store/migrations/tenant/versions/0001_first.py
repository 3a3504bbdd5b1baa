"""The first tables."""

from alembic import op
from sqlalchemy import Column, Integer, Text, text

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "alert",
        Column("id", Text, primary_key=True, nullable=False),
        Column("policy", Text, nullable=False),
        Column("became", Text, nullable=False),
        Column("scope", Text, nullable=False),
        Column("severity", Text, nullable=False),
        Column("created_at", Text, nullable=False),
        Column("message", Text, nullable=False),
    )
    op.create_table(
        "asset",
        Column("id", Integer, primary_key=True, nullable=False),
        Column("uid", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("resource", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("scope", Text, nullable=False),
        Column("region", Text, nullable=False),
        Column("body_hash", Text, nullable=False),
        Column("unknown", Text, nullable=False),
        Column("valid_from", Text, nullable=False),
        Column("valid_to", Text, nullable=True),
    )
    op.create_index(
        "asset_current",
        "asset",
        ["uid"],
        unique=True,
        sqlite_where=text("valid_to IS NULL"),
        postgresql_where=text("valid_to IS NULL"),
    )
    op.create_index("asset_kind", "asset", ["kind", "scope"], unique=False)
    op.create_table(
        "audit",
        Column("seq", Integer, primary_key=True, nullable=False),
        Column("at", Text, nullable=False),
        Column("person", Text, nullable=False),
        Column("action", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("detail", Text, nullable=False),
        Column("previous", Text, nullable=False),
        Column("hash", Text, nullable=False),
    )
    op.create_table(
        "body",
        Column("hash", Text, primary_key=True, nullable=False),
        Column("json", Text, nullable=False),
    )
    op.create_table(
        "coverage",
        Column("id", Integer, primary_key=True, nullable=False),
        Column("run", Text, nullable=False),
        Column("scope", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("region", Text, nullable=False),
        Column("detail", Text, nullable=False),
        Column("cause", Text, nullable=False),
        Column("assets", Integer, nullable=False),
    )
    op.create_index("coverage_run", "coverage", ["run"], unique=False)
    op.create_table(
        "delivery",
        Column("key", Text, primary_key=True, nullable=False),
        Column("alert", Text, nullable=False),
        Column("channel", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("due_at", Text, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("sent_at", Text, nullable=True),
        Column("problem", Text, nullable=False),
    )
    op.create_index("delivery_due", "delivery", ["state", "due_at"], unique=False)
    op.create_table(
        "fact",
        Column("id", Integer, primary_key=True, nullable=False),
        Column("finding", Text, nullable=False),
        Column("became", Text, nullable=False),
        Column("at", Text, nullable=False),
        Column("run", Text, nullable=False),
        Column("alert", Text, nullable=True),
    )
    op.create_index(
        "fact_untold",
        "fact",
        ["id"],
        unique=False,
        sqlite_where=text("alert IS NULL"),
        postgresql_where=text("alert IS NULL"),
    )
    op.create_table(
        "fence",
        Column("job", Text, primary_key=True, nullable=False),
        Column("number", Integer, nullable=False),
    )
    op.create_table(
        "finding",
        Column("uid", Text, primary_key=True, nullable=False),
        Column("asset_uid", Text, nullable=False),
        Column("policy", Text, nullable=False),
        Column("severity", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("resource", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("scope", Text, nullable=False),
        Column("region", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("message", Text, nullable=False),
        Column("elements", Text, nullable=False),
        Column("opened_at", Text, nullable=False),
        Column("changed_at", Text, nullable=False),
        Column("resolved_because", Text, nullable=False),
        Column("unverified_since", Text, nullable=False),
        Column("unverified_because", Text, nullable=False),
    )
    op.create_index("finding_asset", "finding", ["asset_uid"], unique=False)
    op.create_index("finding_state", "finding", ["state"], unique=False)
    op.create_table(
        "run",
        Column("id", Text, primary_key=True, nullable=False),
        Column("job", Text, nullable=False),
        Column("slot", Text, nullable=False),
        Column("started_at", Text, nullable=False),
        Column("finished_at", Text, nullable=True),
        Column("summary", Text, nullable=False),
    )
