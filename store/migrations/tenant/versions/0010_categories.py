"""Which kind of detector opened each finding; until now there were policies only, ours and customers' own."""

from alembic import op
from sqlalchemy import Column, Text, column, table

revision = "0010"
down_revision = "0009"

# Ids have three parts; the last one of a customer's own policy begins so, and of ours never did.
_OWN = "%.%.own-%"

# As it is between the two versions, whatever becomes of the table later.
_FINDING = table("finding", column("policy"), column("category"))


def upgrade() -> None:
    op.add_column("finding", Column("category", Text, nullable=False, server_default="posture"))
    op.execute(_FINDING.update().where(_FINDING.c.policy.like(_OWN)).values(category="policy"))
