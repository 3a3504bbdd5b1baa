"""People, their tokens, jobs, external ids, and the service's own audit chain."""

from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "audit",
        Column("seq", Integer, primary_key=True, nullable=False),
        *(Column(n, Text, nullable=False) for n in ("at", "person", "action", "subject", "detail", "previous", "hash")),
    )
    op.create_table(
        "external_id",
        Column("tenant", Text, primary_key=True, nullable=False),
        Column("value", Text, nullable=False, unique=True),
    )
    op.create_table(
        "job",
        Column("id", Text, primary_key=True, nullable=False),
        *(Column(n, Text, nullable=False) for n in ("kind", "tenant", "slot", "asked_by", "state", "due_at")),
        Column("attempts", Integer, nullable=False),
        Column("holder", Text, nullable=False),
        Column("number", Integer, nullable=False),
        *(Column(n, Text, nullable=False) for n in ("held_until", "started_at", "finished_at", "outcome")),
    )
    op.create_index("job_due", "job", ["state", "due_at"])
    op.create_index("job_tenant", "job", ["tenant", "slot"])
    op.create_table(
        "person",
        Column("id", Text, primary_key=True, nullable=False),
        *(
            Column(name, Text, nullable=False)
            for name in ("name", "language", "roles", "tenants", "issuer", "subject", "password", "totp")
        ),
        Column("totp_step", Integer, nullable=False),
        Column("failures", Integer, nullable=False),
        *(Column(name, Text, nullable=False) for name in ("locked_until", "created_at", "disabled_at")),
    )
    op.create_table(
        "token",
        Column("hash", Text, primary_key=True, nullable=False),
        *(
            Column(name, Text, nullable=False)
            for name in ("id", "person", "label", "tenants", "issued_at", "expires_at", "revoked_at")
        ),
    )
    op.create_index("token_person", "token", ["person"])
    op.create_index("token_id", "token", ["id"], unique=True)
