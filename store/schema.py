"""The tables. Migrations make them (`migrations/`); a test compares the two."""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text, text

# The newest migration of each kind of store; a test compares them with the folders.
VERSIONS = {"tenant": "0014", "service": "0010"}

tenant = MetaData()
service = MetaData()

# The columns that hold JSON, by table.
JSON = {
    "alert": {"message"},
    "asset": {"unknown"},
    "audit": {"detail"},
    "body": {"json"},
    "contract_record": {"document"},
    "edition": {"document"},
    "finding": {"message", "elements", "sources"},
    "log_decision": {"document"},
    "log_machine": {"document"},
    "log_minute": {"document"},
    "log_stages": {"document"},
    "stage_change": {"document"},
    "person": {"roles", "tenants"},
    "plan": {"document"},
    "plan_step": {"before", "after"},
    "policy_edition": {"documents"},
    "run": {"summary"},
    "token": {"tenants"},
}


def _text(name: str, *, key: bool = False, empty: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=empty)


def _number(name: str, *, key: bool = False) -> Column[int]:
    return Column(name, Integer, primary_key=key, nullable=False)


def _large(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _where(condition: str) -> dict[str, Any]:
    """Return what makes an index partial, in both dialects."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def _audit(metadata: MetaData) -> Table:
    return Table(
        "audit",
        metadata,
        _number("seq", key=True),
        *map(_text, ("at", "person", "action", "subject", "detail", "previous", "hash")),
        Column("key", Text, nullable=False, server_default=""),
        Column("session", Integer, nullable=False, server_default="0"),
    )


# The columns that hold moments, by table, of rows that are read one by one: RFC 3339, or nothing.
INSTANTS = {
    "asset": ("valid_from", "valid_to"),
    "delivery": ("due_at", "sent_at"),
    "finding": ("opened_at", "changed_at", "updated_at", "unverified_since"),
    "person": ("created_at", "disabled_at"),
    "plan_call": ("at",),
    "plan_step": ("at",),
    "run": ("started_at", "finished_at"),
    "suppression": ("created_at", "expires_at", "withdrawn_at"),
    "token": ("issued_at", "expires_at", "revoked_at"),
}


# Slowly changing rows: the current one of an asset has no `valid_to`. Bodies are kept once, by their hash.
asset = Table(
    "asset",
    tenant,
    _number("id", key=True),
    *map(_text, ("uid", "kind", "resource", "name", "scope", "region", "body_hash", "unknown", "valid_from")),
    _text("valid_to", empty=True),
    *(Column(name, Text, nullable=False, server_default="") for name in ("key", "family")),
    Index("asset_current", "uid", unique=True, **_where("valid_to IS NULL")),
    # One index for both would cost a fourth more at the first scan, of which all rows are current.
    Index("asset_past", "uid", "id", **_where("valid_to IS NOT NULL")),
    Index("asset_kind", "kind", "scope"),
)
body = Table("body", tenant, _text("hash", key=True), _text("json"))

finding = Table(
    "finding",
    tenant,
    _text("uid", key=True),
    *map(_text, ("asset_uid", "policy", "severity", "kind", "resource", "name", "scope", "region", "state")),
    *map(_text, ("message", "elements", "opened_at", "changed_at", "resolved_because")),
    *map(_text, ("unverified_since", "unverified_because")),
    Column("suppressed_by", Text, nullable=False, server_default=""),
    Column("updated_at", Text, nullable=False, server_default=""),
    Column("sources", Text, nullable=False, server_default="[]"),
    Column("category", Text, nullable=False, server_default="posture"),
    Index("finding_asset", "asset_uid"),
    Index("finding_state", "state"),
)
# The outbox, and the findings' history: `alert` is empty until the fact was turned into an alert or dropped.
fact = Table(
    "fact",
    tenant,
    _number("id", key=True),
    *map(_text, ("finding", "became", "at", "run")),
    _text("alert", empty=True),
    Index("fact_finding", "finding", "id"),
    Index("fact_untold", "id", **_where("alert IS NULL")),
)

# Exceptions, and the tags of our own records that they may name: nothing of the customer's account is among them.
suppression = Table(
    "suppression",
    tenant,
    _text("id", key=True),
    *map(_text, ("reason", "author", "created_at", "expires_at", "policy", "scope", "region", "resource", "tag")),
    _text("withdrawn_at"),
)
asset_tag = Table("asset_tag", tenant, _text("uid", key=True), _text("tag", key=True))

# The tenant's own policies, a whole set in each row: JSON of the files' texts by policy id.
policy_edition = Table(
    "policy_edition", tenant, _number("number", key=True), *map(_text, ("applied_at", "person", "documents"))
)

# What is on record of the contract; rows are only ever added. Whoever records the same number later was too late.
contract_record = Table("contract_record", tenant, _number("number", key=True), _text("document"))

# What people were reminded of; whoever reminds of the same again was too late.
reminder = Table("reminder", tenant, _text("id", key=True), _text("channel", key=True), _text("sent_at"))

run = Table(
    "run",
    tenant,
    _text("id", key=True),
    *map(_text, ("job", "slot", "started_at")),
    _text("finished_at", empty=True),
    _text("summary"),
    Index("run_started", "started_at", "id"),
    Index("run_finished", "finished_at"),
)
coverage = Table(
    "coverage",
    tenant,
    _number("id", key=True),
    *map(_text, ("run", "scope", "kind", "region", "detail", "cause")),
    _number("assets"),
    Index("coverage_run", "run"),
)

alert = Table(
    "alert",
    tenant,
    _text("id", key=True),
    *map(_text, ("policy", "became", "scope", "severity", "created_at", "message")),
)
delivery = Table(
    "delivery",
    tenant,
    _text("key", key=True),
    *map(_text, ("alert", "channel", "state", "due_at")),
    _number("attempts"),
    _text("sent_at", empty=True),
    _text("problem"),
    Index("delivery_due", "state", "due_at"),
)

# Plans of changes, never edited; how far each step is; the journal of calls, written before each of them is sent.
plan = Table(
    "plan",
    tenant,
    _text("id", key=True),
    *map(_text, ("hash", "playbook", "undoes", "author", "created_at", "document")),
    Index("plan_created", "created_at"),
)
plan_step = Table(
    "plan_step",
    tenant,
    _text("plan", key=True),
    _text("uid", key=True),
    *map(_text, ("state", "at", "reason")),
    _text("before", empty=True),
    _text("after", empty=True),
    Index("plan_step_uid", "uid"),
)
plan_call = Table(
    "plan_call",
    tenant,
    _text("plan", key=True),
    _text("uid", key=True),
    _number("number", key=True),
    *map(_text, ("call", "state", "at", "code")),
)
# Who may change a resource now, or take in a source of logs: one at a time.
resource_lease = Table("resource_lease", tenant, _text("uid", key=True), *map(_text, ("holder", "until")))

# Monitoring logs. What came in, by source and slots of ten seconds, what became of it (`what`), and whose doing it was.
log_count = Table(
    "log_count",
    tenant,
    *(_text(name, key=True) for name in ("source", "slot", "what", "cause")),
    *map(_large, ("records", "bytes", "cpu_us")),
    Index("log_count_slot", "slot"),
)
# Whole things that came in, by their content: how many records of each were counted as what became of them, and whether
# all are; how many of one that waits were counted when it came.
log_piece = Table(
    "log_piece",
    tenant,
    _text("source", key=True),
    _text("id", key=True),
    *map(_text, ("content", "name", "taken_at", "state")),
    *map(_large, ("records", "bytes")),
    Column("offered", BigInteger, nullable=False, server_default="0"),
)
# The ids of events that came in not long ago: who comes again is counted as a repeat.
log_event = Table(
    "log_event", tenant, _text("source", key=True), _text("id", key=True), _text("at"), Index("log_event_at", "at")
)
# What was set aside: records on end of one piece that could not be read for the same reason, by their positions.
log_aside = Table(
    "log_aside",
    tenant,
    *(_text(name, key=True) for name in ("source", "piece", "first")),
    *map(_text, ("last", "reason", "at")),
    *map(_large, ("records", "bytes")),
)
# What was processed and is kept: files beside the store, by day and source.
log_segment = Table(
    "log_segment",
    tenant,
    *(_text(name, key=True) for name in ("source", "id")),
    *map(_text, ("day", "slot", "first_at", "last_at")),
    *map(_large, ("records", "bytes")),
    Index("log_segment_day", "day"),
)
# The committed rate that was observed of a tenant's first days: one row, once they are over.
log_rate = Table("log_rate", tenant, _text("since", key=True), _text("until"), _large("records_per_minute"))

# When each source was heard, and its longest pause.
log_heard = Table(
    "log_heard", tenant, _text("source", key=True), *map(_text, ("first", "last")), _large("longest_pause")
)

# What lies at the cloud and was not fetched, by source and day, as it was when it was asked; nothing is unknown.
log_unfetched = Table(
    "log_unfetched",
    tenant,
    *(_text(name, key=True) for name in ("source", "day")),
    *(Column(name, BigInteger) for name in ("objects", "bytes")),
    _large("gone"),
    *map(_text, ("how", "cause", "at")),
)

# How the stage of a tenant's logs changed (Article 11): a change's id, and the case that it rests on, if it has one.
stage_change = Table(
    "stage_change", tenant, _text("id", key=True), *map(_text, ("at", "before", "after", "reason", "document"))
)
# What of a tenant's logs is let in now: one row, the stage and how many records a minute; -1 where there is no limit.
log_admission = Table(
    "log_admission", tenant, _text("id", key=True), _text("stage"), _large("records_per_minute"), _text("at")
)

# The highest lease number seen for a job: a worker that wakes up late has a lower one.
fence = Table("fence", tenant, _text("job", key=True), _number("number"))

audit = _audit(tenant)
# Votes, orders, and starts of plans are records: those on one of them are found without reading the whole chain. The
# service's own records are only ever read as a whole.
Index("audit_subject", audit.c.action, audit.c.subject, audit.c.seq)

edition = Table(
    "edition",
    service,
    _text("tenant", key=True),
    _number("number", key=True),
    *map(_text, ("applied_at", "person", "document")),
)
audit_head = Table(
    "audit_head",
    service,
    _text("tenant", key=True),
    _number("seq"),
    _text("hash"),
    Column("code", Text, nullable=False, server_default=""),
)
lease = Table("lease", service, _text("job", key=True), _number("number"), _text("run"), _text("done_at", empty=True))

# People and what proves that they are there. `tenants` is a JSON list, or "all". `password` is an argon2id hash;
# `totp` is sealed by the installation's key, `totp_step` is the last one used: a code counts once.
person = Table(
    "person",
    service,
    _text("id", key=True),
    *map(_text, ("name", "language", "roles", "tenants", "issuer", "subject", "password", "totp")),
    _number("totp_step"),
    _number("failures"),
    *map(_text, ("created_at", "disabled_at")),
)
# Only the hash of a token is kept. A machine's has no `person`; `parent` is the id of the sign-in's that issued it.
token = Table(
    "token",
    service,
    _text("hash", key=True),
    *map(_text, ("id", "person", "label", "tenants", "issued_at", "expires_at", "revoked_at")),
    Column("kind", Text, nullable=False, server_default="personal"),
    *(Column(name, Text, nullable=False, server_default="") for name in ("parent", "action", "source", "issued_by")),
    Index("token_person", "person"),
    Index("token_id", "id", unique=True),
    Index("token_parent", "parent"),
)
# What is to be done, under way, and done. Whoever works on one holds it until `held_until` and says so again in time.
# From when to when a process took logs in, a row each: what lies between all of them were stops of ours.
log_run = Table("log_run", service, *(_text(name, key=True) for name in ("holder", "since")), _text("until"))
# What each process that takes logs in measured of a minute, and what that made of all together.
log_machine = Table("log_machine", service, _text("machine", key=True), _text("minute", key=True), _text("document"))
log_minute = Table("log_minute", service, _text("minute", key=True), _text("document"))
# The stages of all tenants after a minute: one row. What was decided then, until it is done and people are notified.
log_stages = Table("log_stages", service, _text("id", key=True), _text("minute"), _text("document"))
log_decision = Table("log_decision", service, _text("id", key=True), *map(_text, ("tenant", "at", "state", "document")))
job = Table(
    "job",
    service,
    _text("id", key=True),
    *map(_text, ("kind", "tenant", "slot", "asked_by", "state", "due_at")),
    _number("attempts"),
    _text("holder"),
    _number("number"),
    *map(_text, ("held_until", "started_at", "finished_at", "outcome")),
    Column("plan", Text, nullable=False, server_default=""),
    Index("job_due", "state", "due_at"),
    Index("job_tenant", "tenant", "slot"),
)
# What a tenant's roles ask for beside our credentials; one per tenant, made by us, never another's.
external_id = Table(
    "external_id", service, _text("tenant", key=True), Column("value", Text, nullable=False, unique=True)
)
# Who has stopped all changes, of one tenant or of all (`tenant` empty), and who let them go on.
halt = Table(
    "halt",
    service,
    _number("id", key=True),
    *map(_text, ("tenant", "person", "at", "reason", "lifted_by", "lifted_at")),
)
service_audit = _audit(service)
# What is known of people, tokens and stops of changes is read from the last record that collects it on.
COLLECTED = "rows.collected"
COLLECTING = text(f"action = '{COLLECTED}'")
Index("audit_collected", service_audit.c.seq, sqlite_where=COLLECTING, postgresql_where=COLLECTING)
