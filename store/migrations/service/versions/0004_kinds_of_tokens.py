"""What kind each token is, which token it came from, and what a machine's is for."""

from alembic import op
from sqlalchemy import Column, Text, column, table

revision = "0004"
down_revision = "0003"

_TOKEN = table("token", column("label"), column("kind"))


def upgrade() -> None:
    op.add_column("token", Column("kind", Text, nullable=False, server_default="personal"))
    for name in ("parent", "action", "source", "issued_by"):
        op.add_column("token", Column(name, Text, nullable=False, server_default=""))
    op.create_index("token_parent", "token", ["parent"])
    # Until now the label was what said it: nobody could choose these two.
    of_its_label = _TOKEN.c.label.in_(("sign-in", "invitation"))
    op.execute(_TOKEN.update().where(of_its_label).values(kind=_TOKEN.c.label))
