"""The two formats as JSON Schema, for editors: made from the models that read the files, so that they cannot differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from contracts.document import Version
from contracts.facts_model import FactLists, FactsFile

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaWarningKind

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    """Leaves out defaults that have no JSON form."""

    ignored_warning_kinds: set[JsonSchemaWarningKind] = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012


def contract_schema() -> dict[str, Any]:
    """One document of a contract file: a version, whole."""
    return {"$schema": DIALECT, **TypeAdapter(Version).json_schema(schema_generator=_Generator)}


def facts_schema() -> dict[str, Any]:
    """A facts file; the lists of an example have the same form as the file's."""
    whole = TypeAdapter(FactsFile).json_schema(schema_generator=_Generator)
    lists = TypeAdapter(FactLists).json_schema(schema_generator=_Generator)
    definitions = {**whole.pop("$defs", {}), **lists.pop("$defs", {}), "FactLists": lists}
    whole["properties"]["facts"] = {"$ref": "#/$defs/FactLists"}
    return {"$schema": DIALECT, **whole, "$defs": definitions}
