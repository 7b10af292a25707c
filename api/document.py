"""The reference of the HTTP API, drawn from its own OpenAPI description: no script, nothing from elsewhere."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import APIRouter, Request, Response

from api.portal import page

router = APIRouter(include_in_schema=False)


@router.get("/docs")
def reference(request: Request) -> Response:
    """Every operation with its parameters and answers."""
    description = request.app.openapi()
    operations = list(_operations(description))
    groups: dict[str, list[dict[str, Any]]] = {}
    for operation in operations:
        groups.setdefault(operation["group"], []).append(operation)
    return page.render(request, "document.html", language="en", description=description, groups=groups)


def _operations(description: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield {
                "group": operation["tags"][0],
                "id": operation["operationId"],
                "method": method.upper(),
                "path": path,
                "text": operation.get("description", ""),
                "parameters": [_parameter(one) for one in operation.get("parameters", ())],
                "answers": [_answer(status, one, description) for status, one in operation["responses"].items()],
            }


def _parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": parameter["name"],
        "where": parameter["in"],
        "required": parameter.get("required", False),
        "type": _type(parameter["schema"]),
        "text": parameter.get("description", ""),
    }


def _answer(status: str, response: Mapping[str, Any], description: Mapping[str, Any]) -> dict[str, Any]:
    content = response.get("content", {})
    media = next(iter(content), "")
    schema: Mapping[str, Any] = next((one["schema"] for one in content.values() if "schema" in one), {})
    fields = [] if status != "200" else list(_fields(schema, description["components"]["schemas"]))
    return {
        "status": status,
        "text": response.get("description", ""),
        "media": media,
        "type": _type(schema),
        "fields": fields,
    }


def _fields(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    name = _reference(schema)
    found = schemas.get(name, {})
    required = found.get("required", ())
    for field, inner in found.get("properties", {}).items():
        kind = _type(inner) + ("" if field in required else ", optional")
        yield {"name": field, "type": kind, "text": inner.get("description", "")}
        if field == "items":
            yield from (one | {"name": f"items[].{one['name']}"} for one in _fields(inner["items"], schemas))


def _reference(schema: Mapping[str, Any]) -> str:
    if schema.get("type") == "array":
        return _reference(schema["items"])
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return _reference(schema)
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return str(schema.get("format") or schema.get("type") or "any")
