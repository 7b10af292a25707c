"""Each example of a contract file becomes a test, and each file has one more: every clause is answered."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from contracts.check import run_example, unanswered
from contracts.document import Agreement, read_agreement
from contracts.facts_document import FactsDocument, read_facts
from contracts.facts_model import Example
from contracts.text import read


class Differs(AssertionError):
    """An example whose evaluation differs from what is expected; its text is for a contract manager."""


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    if file_path.suffix == ".yaml" and not file_path.name.endswith(".facts.yaml"):
        return ContractFile.from_parent(parent, path=file_path)
    return None


class ContractFile(pytest.File):
    def collect(self) -> Iterable[pytest.Item]:
        agreement = read_agreement(self.path.read_bytes())
        if not isinstance(agreement, Agreement):
            raise Differs("\n".join(map(str, agreement)))
        beside = self.path.with_name(self.path.name.replace(".contract.", ".facts."))
        sources = agreement.facts if beside == self.path else read(beside.read_bytes())[0]
        for source in sources:
            document = read_facts(source, agreement.versions)
            if not isinstance(document, FactsDocument):
                raise Differs("\n".join(map(str, document)))
            for example in document.file.examples:
                yield ExampleItem.from_parent(
                    self, name=example.name, agreement=agreement, document=document, example=example
                )
            yield EveryClause.from_parent(self, name="every clause is answered", agreement=agreement, document=document)


class ContractItem(pytest.Item):
    def __init__(self, *, agreement: Agreement, document: FactsDocument, **rest: object) -> None:
        super().__init__(**rest)  # type: ignore[arg-type]
        self.agreement = agreement
        self.document = document

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:  # noqa: ARG002
        if isinstance(excinfo.value, Differs):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{self.path.name}: {self.name}"


class ExampleItem(ContractItem):
    def __init__(self, *, example: Example, agreement: Agreement, document: FactsDocument, **rest: object) -> None:
        super().__init__(agreement=agreement, document=document, **rest)
        self.example = example

    def runtest(self) -> None:
        outcome = run_example(self.agreement, self.document, self.example)
        if not outcome.matches:
            raise Differs("\n".join(outcome.differences))


class EveryClause(ContractItem):
    def runtest(self) -> None:
        problems = unanswered(self.agreement, self.document)
        if problems:
            raise Differs("\n".join(map(str, problems)))
