"""Plans of changes, their steps and the journal of their calls; who may change a resource now."""

from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "plan",
        Column("id", Text, primary_key=True, nullable=False),
        *_texts("hash", "playbook", "undoes", "author", "created_at", "document"),
    )
    op.create_index("plan_created", "plan", ["created_at"])
    op.create_table(
        "plan_step",
        *(Column(name, Text, primary_key=True, nullable=False) for name in ("plan", "uid")),
        *_texts("state", "at", "reason"),
        *(Column(name, Text, nullable=True) for name in ("before", "after")),
    )
    op.create_index("plan_step_uid", "plan_step", ["uid"])
    op.create_table(
        "plan_call",
        *(Column(name, Text, primary_key=True, nullable=False) for name in ("plan", "uid")),
        Column("number", Integer, primary_key=True, nullable=False),
        *_texts("call", "state", "at", "code"),
    )
    op.create_table("resource_lease", Column("uid", Text, primary_key=True, nullable=False), *_texts("holder", "until"))


def _texts(*names: str) -> list[Column[str]]:
    return [Column(name, Text, nullable=False) for name in names]
