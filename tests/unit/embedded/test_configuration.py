from pathlib import Path

from embedded.configuration import MEBI, mosquitto_conf, postgresql_conf


def _settings(text: str) -> dict[str, str]:
    return dict(line.split(" = ", 1) for line in text.splitlines())


def test_the_database_is_durable_and_listens_on_its_socket_only() -> None:
    found = _settings(postgresql_conf(Path("/i/socket"), memory=8192 * MEBI, shared_memory=4096 * MEBI))
    expected = {
        "listen_addresses": "''",
        "unix_socket_directories": "'/i/socket'",
        "fsync": "'on'",
        "synchronous_commit": "'on'",
        "shared_preload_libraries": "'timescaledb'",
        "shared_buffers": "'512MB'",
        "dynamic_shared_memory_type": "'posix'",
    }
    assert {name: found[name] for name in expected} == expected


def test_a_small_machine_gives_a_quarter_of_its_memory_and_little_shared_memory_is_left_alone() -> None:
    found = _settings(postgresql_conf(Path("/i"), memory=1000 * MEBI, shared_memory=64 * MEBI))
    assert found["shared_buffers"] == "'250MB'"
    assert found["dynamic_shared_memory_type"] == "'mmap'"


def test_settings_given_win_and_are_quoted() -> None:
    given = {"fsync": "off", "cluster_name": "Ada's"}
    found = _settings(postgresql_conf(Path("/i"), memory=MEBI, shared_memory=0, overrides=given))
    assert found["fsync"] == "'off'"
    assert found["cluster_name"] == "'Ada''s'"


def test_the_broker_listens_on_loopback_keeps_sessions_and_drops_nothing() -> None:
    lines = mosquitto_conf(Path("/i/broker"), 40123).splitlines()
    for line in (
        "listener 40123 127.0.0.1",
        "persistence true",
        "persistence_location /i/broker/",
        "max_queued_messages 0",
        "max_queued_bytes 0",
        "max_packet_size 2097152",
    ):
        assert line in lines
