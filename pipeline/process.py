"""What every process of ours does before its work."""

import gc

# Python looks for cycles after 700 new containers, which JSON of a cloud makes in a millisecond: half of the time that
# a large list takes to decode. Ours makes few cycles, so it is looked for less often (bench/kubernetes_pods.py).
_CONTAINERS_BETWEEN = 10_000


def begin() -> None:
    """Settle how this process lives."""
    gc.set_threshold(_CONTAINERS_BETWEEN)
