"""Which log-based metrics a condition of an alert policy watches.

Source: Google Cloud, «Alert policies in the Monitoring API» (a threshold's filter names `metric.type`), «Monitoring
Query Language» (a metric's name in quotes), «User-defined log-based metrics» (`logging.googleapis.com/user/NAME`).
"""

import re

_IN_FILTER = re.compile(r'metric\.type="logging\.googleapis\.com/user/([^"]+)"')
_IN_QUERY = re.compile(r"""(["'])logging\.googleapis\.com/user/(.+?)\1""")


def watched_metrics(threshold_filter: str, query: str) -> list[str]:
    """Return the names of the log-based metrics that a threshold's filter or a query in MQL names."""
    named = _IN_FILTER.findall(threshold_filter.replace(" ", ""))
    return named + [name for _, name in _IN_QUERY.findall(query)]
