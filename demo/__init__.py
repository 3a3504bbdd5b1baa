"""The demonstration: a small company in local clouds, with planted faults. Part of a checkout, not shipped."""
