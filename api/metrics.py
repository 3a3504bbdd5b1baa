"""What is reported to Prometheus: numbers of the whole service, no tenant's name."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from model.canonical import parse_instant
from model.clock import Clock
from model.fault import Refused
from store.home import Home

# Whoever sends other methods chooses their names, and each would be a line of its own for ever.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """The metrics of one process, and what the service's store reports when it is asked."""

    def __init__(self, home: Home, clock: Clock) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Stored(home, clock))
        names = ("method", "route", "status")
        self._requests = Counter("hinomi_http_requests", "Requests answered", names, registry=self.registry)
        self._seconds = Histogram(
            "hinomi_http_seconds", "Seconds until a request was answered", ("route",), registry=self.registry
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request: its method, its route, the status of the answer, and the seconds that it took."""
        self._requests.labels(method if method in _METHODS else "other", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)


class _Stored(Collector):
    def __init__(self, home: Home, clock: Clock) -> None:
        self._home = home
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("hinomi_store_up", "1 where the service's store can be read")
        try:
            tenants = len(self._home.tenants())
            with self._home.service.read() as session:
                counts, waiting = session.jobs.counts(), list(session.jobs.open())
        except Refused:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield GaugeMetricFamily("hinomi_tenants", "Tenants", tenants)
        jobs = GaugeMetricFamily("hinomi_jobs", "Jobs by state", labels=["state"])
        for state in ("queued", "running", "done", "failed"):
            jobs.add_metric([state], counts.get(state, 0))
        yield jobs
        now = self._clock.now()
        late = [(now - parse_instant(job.due_at)).total_seconds() for job in waiting if job.state == "queued"]
        yield GaugeMetricFamily(
            "hinomi_oldest_due_job_seconds", "Seconds since the oldest waiting job was due", max([0.0, *late])
        )
