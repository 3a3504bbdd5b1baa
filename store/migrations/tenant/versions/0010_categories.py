"""Which kind of detector opened each finding; until now there were policies only, ours and customers' own."""

from alembic import op
from sqlalchemy import Column, Text, column, select, table

revision = "0010"
down_revision = "0009"

# The last part of the id of a customer's own policy begins so, and of ours never did.
_OWN = "own-"

# As it is between the two versions, whatever becomes of the table later.
_FINDING = table("finding", column("policy"), column("category"))


def upgrade() -> None:
    op.add_column("finding", Column("category", Text, nullable=False, server_default="posture"))
    policies = op.get_bind().execute(select(_FINDING.c.policy).distinct()).scalars()
    # Not by LIKE, to which SQLite's capital letters are small ones.
    if own := [policy for policy in policies if policy.rpartition(".")[2].startswith(_OWN)]:
        op.execute(_FINDING.update().where(_FINDING.c.policy.in_(own)).values(category="policy"))
