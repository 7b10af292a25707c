"""What the structure promises, as functions over source text; `test_architecture.py` applies them to every file."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("core", "ingest", "contracts", "billing", "api", "simulators", "embedded", "migrations")
WHOLE_SHELLS = ("api", "simulators", "embedded", "migrations")
SHELL_NAMES = {"store.py", "tables.py", "jobs.py", "mqtt.py", "worker.py", "run.py"}
SHELL_FILES = {"core/settings.py", "core/database.py", "core/clock.py", "billing/render.py", "billing/export.py"}
# Clock, chance, environment, files, network, processes, database: what a pure file must not reach for.
IMPURE = {
    "alembic", "apscheduler", "fastapi", "glob", "http", "httpx", "logging", "multiprocessing", "os", "paho", "pathlib",
    "psycopg", "random", "requests", "secrets", "shutil", "signal", "socket", "sqlalchemy", "sqlmodel", "subprocess",
    "sys", "tempfile", "threading", "time", "urllib", "uuid", "uvicorn",
}  # fmt: skip
CLOCK_READS = {"now", "utcnow", "today"}
SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|COPY|MERGE)\b")
TABLE = re.compile(r"\b(core|ingest|contracts|billing|api)\.([a-z_]+)")
# Tables and functions that every package may use in the caller's transaction.
SHARED = {"core.knowledge", "core.knowledge_at", "core.audit", "core.outbox", "core.draw_knowledge"}


def is_shell(path: str) -> bool:
    """Whether the file may touch the world, by its name alone."""
    parts = path.split("/")
    return parts[0] in WHOLE_SHELLS or path in SHELL_FILES or parts[-1] in SHELL_NAMES or "store" in parts[:-1]


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def module_file(name: str) -> str | None:
    """The file of our own module, e.g. `core.store.audit` → `core/store.py`."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        path = "/".join(parts[:end])
        for candidate in (f"{path}.py", f"{path}/__init__.py"):
            if Path(candidate).is_file():
                return candidate
    return None


def impurities(source: str) -> list[str]:
    """Why a source that should be pure is not; empty if it is."""
    tree = ast.parse(source)
    found = []
    for line, name in imported(tree):
        ours = module_file(name) if name.split(".")[0] in PACKAGES else None
        if name.split(".")[0] in IMPURE or (ours and is_shell(ours) and not ours.endswith("__init__.py")):
            found.append(f"line {line}: imports {name}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in CLOCK_READS:
            found.append(f"line {node.lineno}: reads the clock by .{node.attr}")
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {"open", "input", "print"}
        ):
            found.append(f"line {node.lineno}: calls {node.func.id}()")
    return found


def foreign_tables(package: str, source: str) -> list[str]:
    """Tables of other packages that SQL in this source names."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value):
            for schema, table in TABLE.findall(node.value):
                if schema != package and f"{schema}.{table}" not in SHARED:
                    found.append(f"line {node.lineno}: {schema}.{table}")
    return found


def long_functions(source: str, most: int) -> list[str]:
    """Functions of more than `most` lines."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, kinds) and node.end_lineno is not None and node.end_lineno - node.lineno >= most
    ]
