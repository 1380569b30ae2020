"""The metrics of a service, in a registry of its own."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

UNMATCHED = "unmatched"
OTHER = "other"
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

# Labels are the model's classes and the codes of warnings. This bounds a service that counts
# something else by mistake.
MAX_LABELS = 100


C = TypeVar("C", Counter, Histogram)


class Metrics:
    """The metrics of one application."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._requests = _Children(
            Counter(
                "http_requests",
                "Requests answered, by route template, method and status.",
                ("route", "method", "status"),
                registry=registry,
            )
        )
        self._durations = _Children(
            Histogram(
                "http_request_duration_seconds",
                "Time from the request's headers to the end of its answer, waiting included.",
                ("route", "method"),
                buckets=BUCKETS,
                registry=registry,
            )
        )
        self._refused = Counter(
            "http_requests_refused", "Requests refused, by reason.", ("reason",), registry=registry
        )
        self._predictions = _Children(
            Counter(
                "model_predictions", "Predictions made, by class.", ("class",), registry=registry
            )
        )
        self._warnings = _Children(
            Counter(
                "prediction_warnings",
                "Warnings on predictions whose input lies outside the training data, by code.",
                ("code",),
                registry=registry,
            )
        )
        self._model_info = Gauge(
            "model_info",
            "1 for the model that is served.",
            ("name", "version", "sha256"),
            registry=registry,
        )
        self._model_ready = Gauge(
            "model_ready", "1 once the sealed model is proven.", registry=registry
        )
        self._model_refusals = Counter(
            "model_refusals", "Sealed models refused, by code.", ("code",), registry=registry
        )
        self._texts = _Texts()
        registry.register(self._texts)

    def observe_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answered request.

        Args:
            route: The template of its route, or `UNMATCHED`.
            method: Its method; unusual ones share a label.
            status: The status of the answer.
            seconds: The time that it took.
        """
        if method not in METHODS:
            method = OTHER
        self._requests[route, method, str(status)].inc()
        self._durations[route, method].observe(seconds)

    def count_refusal(self, reason: str) -> None:
        """Count a request that was refused."""
        self._refused.labels(reason).inc()

    def count_prediction(self, label: str, n: int = 1) -> None:
        """Count predictions of a class."""
        _count(self._predictions, label, n)

    def count_warning(self, code: str, n: int = 1) -> None:
        """Count warnings on predictions."""
        _count(self._warnings, code, n)

    def model_proven(self, name: str, version: str, sha256: str) -> None:
        """Record the model that is served."""
        self._model_info.labels(name, version, sha256).set(1)
        self._model_ready.set(1)

    def model_refused(self, code: str) -> None:
        """Count a model that was refused."""
        self._model_refusals.labels(code).inc()

    def watch(self, name: str, documentation: str, read: Callable[[], float]) -> None:
        """Publish a number that is kept elsewhere; it is read on each scrape."""
        Gauge(name, documentation, registry=self.registry).set_function(read)

    def watch_counts(
        self, name: str, documentation: str, label: str, read: Callable[[], Mapping[str, float]]
    ) -> None:
        """Publish counts that are kept elsewhere; they are read on each scrape.

        Args:
            name: Name of the counter, without ``_total``.
            documentation: What it counts.
            label: Name of its label.
            read: Returns the count of each value of the label.
        """
        self.registry.register(_Counts(name, documentation, label, read))

    def publish_text(self, prefix: str, text: str) -> None:
        """Publish metrics that another program has written, instead of those of the last call.

        Args:
            prefix: What their names begin with, so that they replace none of the service's own.
            text: The metrics, in Prometheus' text format; empty for none.

        Raises:
            ValueError: The text is not in that format, or has other names. The metrics of the last
                call stay.
        """
        families = list(text_string_to_metric_families(text))
        names = [one.name for one in families]
        if others := [name for name in names if not name.startswith(prefix)]:
            raise ValueError(f"The metric {others[0]} does not begin with {prefix}.")
        if len(set(names)) < len(names):
            raise ValueError("A metric is there twice.")
        self._texts.families[prefix] = families

    def render(self, accept: str) -> tuple[bytes, str]:
        """The exposition in the format that a scraper accepts, and its content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type


class _Counts(Collector):
    def __init__(
        self, name: str, documentation: str, label: str, read: Callable[[], Mapping[str, float]]
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._label = label
        self._read = read

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(self._name, self._documentation, labels=[self._label])
        for value, count in self._read().items():
            family.add_metric([value], count)
        yield family


class _Texts(Collector):
    def __init__(self) -> None:
        self.families: dict[str, list[Metric]] = {}

    def collect(self) -> Iterator[Metric]:
        for families in list(self.families.values()):
            yield from families


class _Children(dict[tuple[str, ...], C]):
    """The children of a metric by their labels, looked up once and kept: `labels()` locks."""

    def __init__(self, metric: C) -> None:
        super().__init__()
        self._metric: C = metric

    def __missing__(self, labels: tuple[str, ...]) -> C:
        child: C = self._metric.labels(*labels)
        self[labels] = child
        return child


def _count(children: _Children[Counter], label: str, n: int) -> None:
    if (label,) not in children and len(children) >= MAX_LABELS:
        label = OTHER
    children[label,].inc(n)
