"""What deploy/ and the documentation say of metrics, against what programs tell."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from api import intake, metric
from core.clock import now
from core.database import connect
from ingest.worker import Ingester

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SUFFIX = r"_(total|count|sum|bucket)$"


def told() -> set[str]:
    """The names of all metrics, without what Prometheus appends."""
    registry = metric.registry()
    intake.Commits(registry, now)
    metric.Jobs(registry)
    metric.Requests(registry)
    source: Any = SimpleNamespace(connections=0, dropped=0, waiting=0, is_subscribed=False)  # names are all we want
    nowhere = connect("postgresql://", role="yardstick_worker")
    ingester = Ingester(nowhere, source, client="x", clock=now)
    registry.register(intake.IngesterState("x", ingester, source, now))
    return {family.name for family in registry.collect()}


@pytest.mark.parametrize("path", [DEPLOY / "alerts.yml", ROOT / "docs/operate.md"], ids=lambda path: path.name)
def test_every_metric_that_is_named_is_told(path: Path) -> None:
    named = set(re.findall(r"\byardstick_(?:ingest|job|http)_[a-z_]+", path.read_text()))
    assert len(named) > 8
    assert {re.sub(SUFFIX, "", name) for name in named} <= told()


def test_every_metric_is_documented() -> None:
    documented = (ROOT / "docs/operate.md").read_text()
    ours = {name for name in told() if name.startswith("yardstick_")} - {"yardstick_ingest"}
    assert [name for name in sorted(ours) if f"`{name}" not in documented] == []


def test_prometheus_reads_the_alerts_and_asks_the_processes_of_the_containers() -> None:
    scraped = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    assert all((DEPLOY / name).exists() for name in scraped["rule_files"])
    rules = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"][0]["rules"]
    assert all({"alert", "expr", "labels", "annotations"} <= set(rule) for rule in rules)
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for job in scraped["scrape_configs"]:
        name, _, port = job["static_configs"][0]["targets"][0].partition(":")
        told_at = [value for key, value in services[name]["environment"].items() if key.endswith("_HTTP")]
        assert told_at == [f":{port}"]
