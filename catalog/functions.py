"""What policies can ask beside CEL's own functions; what the clouds' languages mean stands in semantics/.

Every function is pure; `DECLARATIONS` names each with its parameters. A missing argument (null) is taken as an empty
document, so that `f(r.?Policy.orValue(null))` reads as it should.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from semantics.addresses import is_any_address
from semantics.aws import effective_permissions, filter_patterns, plain_http, policy_documents, security_groups
from semantics.azure import alert_conditions, network_rules
from semantics.gcp import logging_queries
from semantics.kubernetes import component_flags, workloads


def age_days(moment: str, now: datetime) -> float:
    """Return the days from an RFC 3339 moment (UTC where it has no offset) to now; raises ValueError on other texts."""
    then = datetime.fromisoformat(moment)
    return (now - (then if then.tzinfo else then.replace(tzinfo=UTC))).total_seconds() / 86_400


def flat(lists: list[list[Any]]) -> list[Any]:
    """Return the elements of all lists, in one list."""
    return [element for inner in lists for element in inner]


Signature = tuple[str, tuple[str, ...], str, Callable[..., Any]]

# name, parameter types, return type, function; `document` is a map or null, `documents` a list of them.
DECLARATIONS: tuple[Signature, ...] = (
    ("statements", ("document",), "list", policy_documents.statements),
    ("granted_statements", ("document",), "list", policy_documents.granted_statements),
    ("public_statements", ("document",), "list", policy_documents.public_statements),
    ("foreign_principals", ("document", "string", "strings"), "strings", policy_documents.foreign_principals),
    ("foreign_statements", ("document", "string", "strings"), "list", policy_documents.foreign_statements),
    ("trusts_web_identities", ("map",), "bool", policy_documents.trusts_web_identities),
    ("names_identities", ("map",), "bool", policy_documents.names_identities),
    ("denies_plain_http", ("document", "string"), "bool", plain_http.denies_plain_http),
    ("allows", ("map", "strings"), "bool", policy_documents.allows),
    ("is_administrator", ("document",), "bool", policy_documents.is_administrator),
    ("administrator", ("string", "documents", "documents"), "bool", effective_permissions.administrator),
    ("escalations", ("string", "documents", "documents"), "strings", effective_permissions.escalations),
    ("is_any_address", ("string",), "bool", is_any_address),
    ("sources", ("map",), "strings", security_groups.sources),
    ("from_anywhere", ("map",), "bool", security_groups.from_anywhere),
    ("permits", ("map", "string", "ints"), "bool", security_groups.permits),
    ("permits_all_ports", ("map",), "bool", security_groups.permits_all_ports),
    ("pattern_alternatives", ("string",), "strings", filter_patterns.alternatives),
    ("pattern_catches", ("string", "string"), "bool", filter_patterns.catches),
    ("query_alternatives", ("string",), "strings", logging_queries.alternatives),
    ("query_catches", ("string", "string"), "bool", logging_queries.catches),
    ("internet_rules", ("documents", "string", "ints"), "strings", network_rules.internet_rules),
    ("is_wide_range", ("string", "string"), "bool", network_rules.is_wide_range),
    ("alerts_on", ("document", "string"), "bool", alert_conditions.alerts_on),
    ("pod_spec", ("string", "document"), "map", workloads.pod_spec),
    ("pod_annotations", ("string", "document", "document"), "map", workloads.pod_annotations),
    ("wildcards", ("list",), "strings", workloads.wildcards),
    ("containers", ("map",), "list", workloads.containers),
    ("setting", ("map", "map", "string"), "value", workloads.setting),
    ("grants", ("list", "string", "string", "string"), "bool", workloads.grants),
    ("outsiders", ("list",), "strings", workloads.outsiders),
    ("flag", ("map", "string"), "string", component_flags.flag),
    ("flag_on", ("map", "string", "bool"), "bool", component_flags.flag_on),
    ("flag_list", ("map", "string"), "strings", component_flags.flag_list),
    ("admission_plugin_on", ("map", "string", "bool"), "bool", component_flags.admission_plugin_on),
    ("authorization_modes", ("map",), "strings", component_flags.authorization_modes),
    ("anonymous_requests_on", ("map",), "bool", component_flags.anonymous_requests_on),
    ("flat", ("lists",), "anything", flat),
    ("age_days", ("string", "timestamp"), "double", age_days),
)
