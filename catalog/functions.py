"""What policies can ask beside CEL's own functions; what the clouds' languages mean stands in semantics/.

Every function is pure; `DECLARATIONS` names each with its parameters. A missing argument (null) is taken as an empty
document, so that `f(r.?Policy.orValue(null))` reads as it should.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from semantics.addresses import covers, is_any_address, is_internet, is_wide
from semantics.aws import (
    effective_permissions,
    filter_patterns,
    plain_http,
    policy_documents,
    security_groups,
    trail_selectors,
)
from semantics.azure import alert_conditions, network_rules
from semantics.gcp import alert_policies, datasets, firewalls, logging_queries, metadata
from semantics.kubernetes import access, component_flags, ingresses, services, workloads
from semantics.shapes import ANYTHING, BOOLEAN, NUMBER, TEXT, Shape, listing, mapping


def age_days(moment: str, now: datetime) -> float:
    """Return the days from an RFC 3339 moment (UTC where it has no offset) to now; raises ValueError on other texts."""
    then = datetime.fromisoformat(moment)
    return (now - (then if then.tzinfo else then.replace(tzinfo=UTC))).total_seconds() / 86_400


def flat(lists: list[list[Any]]) -> list[Any]:
    """Return the elements of all lists, in one list."""
    return [element for inner in lists for element in inner]


def unread(what: str) -> bool:
    """Return nothing: a verdict that hangs on what cannot be read is unknown. Raises `ValueError`, which names it.

    What is decided without it stays decided: `true || unread(…)` is true.
    """
    raise ValueError(f"{what} cannot be read")


def one_of(value: str, good: list[str], bad: list[str]) -> bool:
    """Return whether a value is a good one, not a bad one; raises `ValueError` where it is neither: it is not known."""
    if value not in (*good, *bad):
        raise ValueError(f"{value[:80]!r} is none of the values that are known")
    return value in good


class Parameter(Struct, frozen=True):
    """What a function takes: the type in CEL, and the shape that a value has to have to be understood."""

    type: str
    shape: Shape


Signature = tuple[str, tuple[Parameter, ...], str, Callable[..., Any]]

_STRING, _STRINGS, _INTS = (
    Parameter("string", TEXT),
    Parameter("strings", listing(TEXT)),
    Parameter("ints", listing(NUMBER)),
)
_BOOL, _MOMENT = Parameter("bool", BOOLEAN), Parameter("timestamp", ANYTHING)
_LISTS = Parameter("lists", listing(listing(ANYTHING)))
_POLICY = Parameter("document", policy_documents.DOCUMENT)
_POLICIES = Parameter("documents", listing(policy_documents.DOCUMENT))
_STATEMENT = Parameter("map", mapping())
_PERMISSION = Parameter("map", security_groups.PERMISSION)
_PERMISSIONS = Parameter("lists", listing(listing(security_groups.PERMISSION)))
_PREFIX_LISTS = Parameter("list", listing(security_groups.PREFIX_LIST))
_ACL_ENTRIES = Parameter("list", listing(security_groups.ENTRY))
_SELECTORS = Parameter("map", trail_selectors.SELECTORS)
_FIREWALL, _FIREWALLS = Parameter("map", firewalls.RULE), Parameter("list", listing(firewalls.RULE))
_FIREWALL_POLICY = Parameter("list", listing(firewalls.POLICY_RULE))
_SECURITY_RULES = Parameter("documents", listing(network_rules.RULE))
_ALERT = Parameter("document", alert_conditions.CONDITION)
_SPEC, _METADATA = Parameter("document", workloads.SPEC), Parameter("document", workloads.METADATA)
_POD, _CONTAINER = Parameter("map", workloads.POD), Parameter("map", workloads.CONTAINER)
_ANNOTATIONS = Parameter("document", services.ANNOTATIONS)
_INGRESS_RULES, _INGRESS_TLS = Parameter("list", listing(ingresses.RULE)), Parameter("list", listing(ingresses.TLS))
_RBAC_RULES = Parameter("list", listing(access.RBAC_RULE))
_SUBJECTS = Parameter("list", listing(access.SUBJECT))
_METADATA_ITEMS = Parameter("list", metadata.ITEMS)
_ACCESS = Parameter("list", datasets.ACCESS)
_FLAGS = Parameter("map", mapping(others=TEXT))

# name, parameters, return type, function; a `document` is a map or null, `documents` a list of them.
DECLARATIONS: tuple[Signature, ...] = (
    ("statements", (_POLICY,), "list", policy_documents.statements),
    ("granted_statements", (_POLICY,), "list", policy_documents.granted_statements),
    ("public_statements", (_POLICY,), "list", policy_documents.public_statements),
    ("foreign_principals", (_POLICY, _STRING, _STRINGS), "strings", policy_documents.foreign_principals),
    ("foreign_statements", (_POLICY, _STRING, _STRINGS), "list", policy_documents.foreign_statements),
    ("trusts_web_identities", (_STATEMENT,), "bool", policy_documents.trusts_web_identities),
    ("names_identities", (_STATEMENT,), "bool", policy_documents.names_identities),
    ("denies_plain_http", (_POLICY, _STRING), "bool", plain_http.denies_plain_http),
    ("allows", (_STATEMENT, _STRINGS), "bool", policy_documents.allows),
    ("is_administrator", (_POLICY,), "bool", policy_documents.is_administrator),
    ("administrator", (_STRING, _POLICIES, _POLICIES), "bool", effective_permissions.administrator),
    ("escalations", (_STRING, _POLICIES, _POLICIES), "strings", effective_permissions.escalations),
    ("is_any_address", (_STRING,), "bool", is_any_address),
    ("is_internet", (_STRINGS,), "bool", is_internet),
    ("is_wide", (_STRINGS,), "bool", is_wide),
    ("covers", (_STRINGS, _STRING), "bool", covers),
    ("sources", (_PERMISSION,), "strings", security_groups.sources),
    ("permits", (_PERMISSION, _STRING, _INTS), "bool", security_groups.permits),
    ("open_permissions", (_PERMISSIONS, _PREFIX_LISTS, _STRING, _INTS), "list", security_groups.open_permissions),
    ("wholly_open_permissions", (_PERMISSIONS, _PREFIX_LISTS), "list", security_groups.wholly_open_permissions),
    ("prefix_lists", (_PERMISSIONS,), "strings", security_groups.prefix_lists),
    ("open_entries", (_ACL_ENTRIES, _STRING, _INTS), "ints", security_groups.open_entries),
    ("records_management_events", (_SELECTORS, _STRINGS), "bool", trail_selectors.records_management_events),
    ("records_object_events", (_SELECTORS, _BOOL), "bool", trail_selectors.records_object_events),
    ("unread", (_STRING,), "bool", unread),
    ("pattern_alternatives", (_STRING,), "strings", filter_patterns.alternatives),
    ("pattern_catches", (_STRING, _STRING), "bool", filter_patterns.catches),
    ("query_alternatives", (_STRING,), "strings", logging_queries.alternatives),
    ("query_catches", (_STRING, _STRING), "bool", logging_queries.catches),
    ("public_roles", (_ACCESS,), "strings", datasets.public_roles),
    ("watched_metrics", (_STRING, _STRING), "strings", alert_policies.watched_metrics),
    ("metadata_on", (_METADATA_ITEMS, _STRING), "bool", metadata.metadata_on),
    ("internet_rules", (_SECURITY_RULES, _STRING, _INTS), "strings", network_rules.internet_rules),
    ("open_firewall", (_FIREWALL, _FIREWALLS, _STRING, _INTS), "bool", firewalls.open_firewall),
    ("open_policy_rules", (_FIREWALL_POLICY, _STRING, _INTS), "strings", firewalls.open_policy_rules),
    ("alerts_on", (_ALERT, _STRING), "bool", alert_conditions.alerts_on),
    ("pod_spec", (_STRING, _SPEC), "map", workloads.pod_spec),
    ("pod_annotations", (_STRING, _METADATA, _SPEC), "map", workloads.pod_annotations),
    ("containers", (_POD,), "list", workloads.containers),
    ("settled_containers", (_STRING, _METADATA, _SPEC), "list", workloads.settled_containers),
    ("setting", (_POD, _CONTAINER, _STRING), "value", workloads.setting),
    ("capability_names", (_STRINGS,), "strings", workloads.capability_names),
    ("is_internal_load_balancer", (_ANNOTATIONS, _STRING), "bool", services.is_internal_load_balancer),
    ("source_ranges", (_STRINGS, _ANNOTATIONS), "strings", services.source_ranges),
    ("served_hosts", (_INGRESS_RULES, _INGRESS_TLS), "list", ingresses.served_hosts),
    ("wildcards", (_RBAC_RULES,), "strings", access.wildcards),
    ("grants", (_RBAC_RULES, _STRING, _STRING, _STRING), "bool", access.grants),
    ("grants_some", (_RBAC_RULES, _STRING, _STRING, _STRING), "bool", access.grants_some),
    ("granted_names", (_RBAC_RULES, _STRING, _STRING, _STRING), "strings", access.granted_names),
    ("self_escalations", (_RBAC_RULES, _STRING), "strings", access.self_escalations),
    ("controllers", (_STRINGS,), "strings", access.controllers),
    ("outsiders", (_SUBJECTS,), "strings", access.outsiders),
    ("flag", (_FLAGS, _STRING), "string", component_flags.flag),
    ("flag_on", (_FLAGS, _STRING, _BOOL), "bool", component_flags.flag_on),
    ("flag_list", (_FLAGS, _STRING), "strings", component_flags.flag_list),
    ("admission_plugin_on", (_FLAGS, _STRING, _BOOL), "bool", component_flags.admission_plugin_on),
    ("authorization_modes", (_FLAGS,), "strings", component_flags.authorization_modes),
    ("anonymous_requests_on", (_FLAGS,), "bool", component_flags.anonymous_requests_on),
    ("one_of", (_STRING, _STRINGS, _STRINGS), "bool", one_of),
    ("flat", (_LISTS,), "anything", flat),
    ("age_days", (_STRING, _MOMENT), "double", age_days),
)
