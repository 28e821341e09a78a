"""The document as the page shows it: routes by tag, with parameters and an example that can be pasted."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Shown:
    """One route on the page."""

    method: str
    path: str
    anchor: str
    summary: str
    description: str
    parameters: list[tuple[str, str, str]]
    body: str
    answers: list[tuple[str, str, str]]
    example: str


def listing(document: dict[str, Any]) -> list[tuple[str, list[Shown]]]:
    """Routes by tag, in the order of their paths."""
    groups: dict[str, list[Shown]] = {}
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            groups.setdefault(operation["tags"][0], []).append(_shown(path, method, operation, schemas))
    return sorted(groups.items())


def _shown(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> Shown:
    content = operation.get("requestBody", {}).get("content", {})
    kind, schema = next(((kind, item["schema"]) for kind, item in content.items()), ("", {}))
    sample = json.dumps(_sample(schema, schemas), indent=2) if kind == "application/json" else ""
    return Shown(
        method=method.upper(),
        path=path,
        anchor=operation["operationId"].replace(".", "-"),
        summary=operation["summary"],
        description=operation["description"],
        parameters=[(p["name"], p["in"], _type_of(p["schema"])) for p in operation["parameters"]],
        body=sample or kind,
        answers=[
            (s, a["description"], ", ".join(a.get("content", ()))) for s, a in sorted(operation["responses"].items())
        ],
        example=_example(path, method, operation, kind, sample),
    )


def _example(path: str, method: str, operation: dict[str, Any], kind: str, sample: str) -> str:
    lines = [f"curl -X {method.upper()} $ONYX{path}"]
    if operation["security"]:
        lines.append('  -H "Authorization: Bearer $TOKEN"')
    if kind == "application/json":
        lines += ["  -H 'Content-Type: application/json'", f"  -d '{json.dumps(json.loads(sample))}'"]
    elif kind == "multipart/form-data":
        lines.append("  -F file=@notes.txt")
    return " \\\n".join(lines)


def _sample(schema: dict[str, Any], schemas: dict[str, Any], depth: int = 3) -> Any:
    """A value of the right shape, to be changed by whoever pastes it."""
    if "$ref" in schema:
        return _sample(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas, depth)
    if "anyOf" in schema:
        return _sample(schema["anyOf"][0], schemas, depth)
    for name in ("const", "default"):
        if schema.get(name) is not None:
            return schema[name]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {n: _sample(s, schemas, depth - 1) for n, s in schema.get("properties", {}).items()} if depth else {}
    if schema.get("type") == "array":
        return [_sample(schema.get("items", {}), schemas, depth - 1)] if depth else []
    return {"integer": 1, "number": 1, "boolean": False}.get(str(schema.get("type")), "…")


def _type_of(schema: dict[str, Any]) -> str:
    text = schema.get("format") or schema.get("type") or "any"
    if "minimum" in schema and "maximum" in schema:
        text += f", {schema['minimum']} to {schema['maximum']}"
    if schema.get("enum"):
        text += ": " + ", ".join(map(str, schema["enum"]))
    return f"{text}, else {schema['default']}" if "default" in schema else str(text)
