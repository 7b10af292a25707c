"""YAML or JSON text as plain lists, maps and text, with the line of every place. Nothing is guessed or executed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from core.problem import Problem

MAX_CHARACTERS = 20_000_000
MAX_DEPTH = 12
MAX_DOCUMENTS = 1_000

Path: TypeAlias = tuple[str | int, ...]


@dataclass(slots=True)
class TextDocument:
    """One YAML document: its value (maps, lists and text only), and the line on which each place begins."""

    value: Any
    lines: dict[Path, int]
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: Path) -> str:
        """`terms[1].price, line 12`: a place a person can find."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        return f"{dotted(path)}, line {self.lines.get(known, 1)}" if path else f"line {self.lines.get((), 1)}"


class TooMuch(ValueError):
    """The text is larger, deeper or cleverer than a contract ever is."""


def read(text: str | bytes) -> tuple[list[TextDocument], list[Problem]]:
    """Every document of a text; problems of the text as such. Each scalar stays text: 0.30 never becomes a float."""
    try:
        return _documents(text.decode("utf-8") if isinstance(text, bytes) else text), []
    except UnicodeDecodeError as error:
        return [], [Problem(f"byte {error.start}", "the file is not UTF-8", "save it as UTF-8")]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return [], [Problem(f"line {line}", f"this is no YAML: {error.problem or error.context}", "correct the text")]
    except yaml.YAMLError as error:
        return [], [Problem("the file", f"this is no YAML: {error}".split("\n")[0], "correct the text")]
    except TooMuch as error:
        return [], [Problem("the file", str(error), "write it out plainly")]


def dotted(path: Path) -> str:
    """A path as a person writes it: `tiers[1].price`."""
    whole = ""
    for part in path:
        whole += f"[{part}]" if isinstance(part, int) else f".{part}" if whole else part
    return whole


def _documents(text: str) -> list[TextDocument]:
    if len(text) > MAX_CHARACTERS:
        raise TooMuch(f"the file has more than {MAX_CHARACTERS} characters")
    documents: list[TextDocument] = []
    builder = _Builder()
    for event in yaml.parse(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)):
        if isinstance(event, yaml.DocumentStartEvent):
            builder = _Builder()
        elif isinstance(event, yaml.DocumentEndEvent):
            documents.append(TextDocument(builder.root, builder.lines, builder.problems))
            if len(documents) > MAX_DOCUMENTS:
                raise TooMuch(f"the file has more than {MAX_DOCUMENTS} documents")
        else:
            builder.take(event)
    return documents


class _Builder:
    """Builds one document from YAML events, without recursion."""

    def __init__(self) -> None:
        self.root: Any = None
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []
        self._stack: list[_Open] = []

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.AliasEvent):
            raise TooMuch(f"line {_line(event)}: an alias (*{event.anchor}) is not read")
        if isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            self._stack.pop()
        elif isinstance(event, (yaml.ScalarEvent, yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            self._node(event, _line(event))

    def _node(self, event: Any, line: int) -> None:
        if event.tag not in (None, "!"):
            raise TooMuch(f"line {line}: a tag ({event.tag}) is not read")
        top = self._stack[-1] if self._stack else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            self._key(top, event, line)
            return
        scalar = isinstance(event, yaml.ScalarEvent)
        value: Any = event.value if scalar else [] if isinstance(event, yaml.SequenceStartEvent) else {}
        path = self._attach(top, value)
        self.lines.setdefault(path, line)
        if not scalar:
            if len(self._stack) >= MAX_DEPTH:
                raise TooMuch(f"line {line}: nested deeper than {MAX_DEPTH}")
            self._stack.append(_Open(value, path))

    def _key(self, top: _Open, event: Any, line: int) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            raise TooMuch(f"line {line}: a key must be a word")
        top.key = str(event.value)
        path = (*top.path, top.key)
        if top.key in top.value:
            place = f"{dotted(path)}, line {line}"
            self.problems.append(Problem(place, f"the key {top.key!r} occurs twice", "keep one of them"))
        self.lines.setdefault(path, line)

    def _attach(self, top: _Open | None, value: Any) -> Path:
        if top is None:
            self.root = value
            return ()
        if isinstance(top.value, dict):
            key, top.key = top.key or "", None
            top.value[key] = value
            return (*top.path, key)
        top.value.append(value)
        return (*top.path, len(top.value) - 1)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1 if event.start_mark else 1


@dataclass(slots=True)
class _Open:
    """A map or list that is being filled."""

    value: Any
    path: Path
    key: str | None = None
