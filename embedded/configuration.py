"""What the two servers are told. Pure text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MEBI = 1024 * 1024

# The ingester quarantines payloads above its own, lower limit and counts them; so that it can, the broker lets them in.
# What is larger still, it refuses at the door: CONNACK announces the limit, and who exceeds it is disconnected with
# reason code 0x95 (packet too large).
PACKET_LIMIT = 2 * MEBI

# Durability stays on: a commit that was acknowledged survives a crash. Tests may switch it off.
DATABASE_SETTINGS = {
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    "timescaledb.max_background_workers": "4",
    "max_worker_processes": "16",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "max_locks_per_transaction": "256",  # each chunk that a statement touches takes several
    "jit": "off",  # its compiler is not among our packages
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_compression": "lz4",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "effective_cache_size": "1GB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "random_page_cost": "1.1",
    "max_parallel_workers": "2",
    "max_parallel_workers_per_gather": "1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
}


def postgresql_conf(
    socket: Path, *, memory: int, shared_memory: int, overrides: Mapping[str, str] | None = None
) -> str:
    """Return postgresql.conf for a machine with `memory` bytes of RAM and `shared_memory` bytes in /dev/shm."""
    settings = DATABASE_SETTINGS | {
        "unix_socket_directories": str(socket),
        "shared_buffers": f"{min(512, memory // MEBI // 4)}MB",
        # Containers often have 64 MB there, too little for parallel queries.
        "dynamic_shared_memory_type": "posix" if shared_memory >= 512 * MEBI else "mmap",
    }
    return "".join(f"{name} = {_quoted(value)}\n" for name, value in (settings | dict(overrides or {})).items())


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def mosquitto_conf(instance: Path, port: int) -> str:
    """Return mosquitto.conf for a broker on loopback that keeps sessions over a restart and drops no message.

    It saves a snapshot every second, since on every change (`autosave_on_changes`) the cost is quadratic: 20,000
    waiting messages took 2 s against more than 90 s. A broker killed outright may lose a second; stopped, nothing.
    """
    return f"""\
listener {port} 127.0.0.1
allow_anonymous true
per_listener_settings false
set_tcp_nodelay true

persistence true
persistence_location {instance}/
persistence_file mosquitto.db
autosave_on_changes false
autosave_interval 1

max_queued_messages 0
max_queued_bytes 0
max_inflight_messages 0
max_packet_size {PACKET_LIMIT}

log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages false
log_timestamp_format %Y-%m-%dT%H:%M:%S
"""
