"""Flags of the control plane's components, as their parser takes them.

Sources: pflag (values of switches); Kubernetes reference, kube-apiserver; etcd, «Configuration
options». What stands in a file that a flag names cannot be known: those functions raise ValueError.
"""

from semantics.values import Document

_SWITCHES = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}


def flag(flags: Document, name: str) -> str:
    """Return a flag's value; empty where it is not given, or given as empty.

    Raises `ValueError` where the flags do not say, because the configuration stands in a file.
    """
    if "config-file" in flags:  # etcd: «all command line flags and environment variables will be ignored»
        raise ValueError("the configuration stands in a file: --config-file")
    return str(flags.get(name, ""))


def flag_on(flags: Document, name: str, default: bool) -> bool:
    """Return whether the flags turn the switch of a name on, `default` where it is not given.

    Raises `ValueError` for what is no switch.
    """
    value = flag(flags, name)
    if value and value not in _SWITCHES:
        raise ValueError(f"--{name} is neither true nor false")
    return _SWITCHES[value] if value else default


def flag_list(flags: Document, name: str) -> list[str]:
    """Return the values of a flag that takes several, separated by commas."""
    return [value.strip() for value in flag(flags, name).split(",") if value.strip()]


def admission_plugin_on(flags: Document, plugin: str, default: bool) -> bool:
    """Return whether the flags let the API server run an admission plugin; `default` says whether it does unasked.

    The old `--admission-control` names all plugins that run.
    """
    if only := flag_list(flags, "admission-control"):
        return plugin in only
    if plugin in flag_list(flags, "enable-admission-plugins"):
        return True
    return default and plugin not in flag_list(flags, "disable-admission-plugins")


def authorization_modes(flags: Document) -> list[str]:
    """Return the API server's authorization modes; unasked it allows everything.

    Raises `ValueError` where they stand in a file.
    """
    if flag(flags, "authorization-config"):
        raise ValueError("the modes stand in a file: --authorization-config")
    return flag_list(flags, "authorization-mode") or ["AlwaysAllow"]


def anonymous_requests_on(flags: Document) -> bool:
    """Return whether the API server takes requests without credentials; unasked it does.

    Raises `ValueError` where what they may ask stands in a file.
    """
    if flag(flags, "authentication-config") and not flag(flags, "anonymous-auth"):
        raise ValueError("what anonymous requests may ask stands in a file: --authentication-config")
    return flag_on(flags, "anonymous-auth", default=True)
