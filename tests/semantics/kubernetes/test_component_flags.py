"""Flags of the control plane as the components' own parser takes them.

Expected by pflag's documentation (`strconv.ParseBool`, names with `_`), kubernetes.io «kube-apiserver» (defaults,
lists, `--authorization-config`, `--authentication-config`) and «Admission Control in Kubernetes» (what is on unasked).
"""

import pytest

from semantics.kubernetes.component_flags import (
    admission_plugin_on,
    anonymous_requests_on,
    authorization_modes,
    flag,
    flag_list,
    flag_on,
)

Flags = dict[str, str]


@pytest.mark.parametrize(
    ("flags", "value"),
    [({"client-ca-file": "/a"}, "/a"), ({"client-ca-file": ""}, ""), ({}, "")],
)
def test_flag(flags: Flags, value: str) -> None:
    assert flag(flags, "client-ca-file") == value


def test_flags_beside_a_configuration_file_say_nothing() -> None:
    with pytest.raises(ValueError, match="--config-file"):
        flag({"config-file": "/etc/etcd.yaml", "cert-file": "/a"}, "cert-file")


@pytest.mark.parametrize("word", ["1", "t", "T", "TRUE", "true", "True"])
def test_switch_is_on(word: str) -> None:
    assert flag_on({"profiling": word}, "profiling", default=False)


@pytest.mark.parametrize("word", ["0", "f", "F", "FALSE", "false", "False"])
def test_switch_is_off(word: str) -> None:
    assert not flag_on({"profiling": word}, "profiling", default=True)


@pytest.mark.parametrize("default", [True, False])
def test_switch_not_given(default: bool) -> None:
    assert flag_on({}, "profiling", default) is default


@pytest.mark.parametrize("word", ["yes", "on", "tRUE", "2"])
def test_what_is_no_switch_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="--profiling"):
        flag_on({"profiling": word}, "profiling", default=True)


@pytest.mark.parametrize(("value", "values"), [("A,B", ["A", "B"]), (" A , B,", ["A", "B"]), ("", [])])
def test_list(value: str, values: list[str]) -> None:
    assert flag_list({"x": value}, "x") == values


@pytest.mark.parametrize(
    ("flags", "by_default", "otherwise"),
    [
        ({}, True, False),
        ({"enable-admission-plugins": "NodeRestriction"}, True, False),
        ({"enable-admission-plugins": "NodeRestriction,P"}, True, True),
        ({"enable-admission-plugins": "PX"}, True, False),
        ({"disable-admission-plugins": "P"}, False, False),
        ({"disable-admission-plugins": "PX"}, True, False),
        ({"admission-control": "P,Q"}, True, True),
        ({"admission-control": "Q"}, False, False),
    ],
)
def test_admission_plugin(flags: Flags, by_default: bool, otherwise: bool) -> None:
    assert admission_plugin_on(flags, "P", default=True) is by_default
    assert admission_plugin_on(flags, "P", default=False) is otherwise


@pytest.mark.parametrize(
    ("flags", "modes"),
    [
        ({}, ["AlwaysAllow"]),
        ({"authorization-mode": ""}, ["AlwaysAllow"]),
        ({"authorization-mode": "Node,RBAC"}, ["Node", "RBAC"]),
    ],
)
def test_authorization_modes(flags: Flags, modes: list[str]) -> None:
    assert authorization_modes(flags) == modes


def test_authorization_modes_in_a_file_are_not_known() -> None:
    with pytest.raises(ValueError, match="--authorization-config"):
        authorization_modes({"authorization-config": "/a"})


def test_anonymous_requests() -> None:
    assert anonymous_requests_on({})
    assert anonymous_requests_on({"anonymous-auth": "true"})
    assert not anonymous_requests_on({"anonymous-auth": "false"})
    assert not anonymous_requests_on({"anonymous-auth": "false", "authentication-config": "/a"})
    with pytest.raises(ValueError, match="--authentication-config"):
        anonymous_requests_on({"authentication-config": "/a"})
