"""The API's document is complete, and true as far as fuzzing can tell."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

BESIDE = {"/chat", "/healthz", "/readyz"}


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    answer = app.test_client().get("/api/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, o) for path, found in document["paths"].items() for method, o in found.items()]


def test_every_route_of_the_api_is_in_the_document(app: Flask, document: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") or rule.rule in BESIDE
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    told = {(path, method) for path, method, _ in operations(document) if path != "/metrics"}
    assert told == routes


def test_every_path_variable_is_a_parameter(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        named = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
        assert named == set(re.findall(r"{([^}]+)}", path)), f"{method} {path}"


def test_every_error_has_the_one_shape(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                schema = answer["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Error"}, f"{method} {path} {status}"


def test_every_change_says_what_it_takes_or_takes_nothing(app: Flask, document: dict[str, Any]) -> None:
    """A view that asks for the request's body without `body(Model)` must be described with @documented."""
    for path, method, operation in operations(document):
        if method in ("post", "put", "patch") and "{" not in path:
            answer = app.test_client().open(path, method=method.upper(), data="{", content_type="application/json")
            if answer.status_code == 400:
                assert "requestBody" in operation, f"{method} {path} reads a body: describe it with @documented"


def test_sign_in_is_described_by_its_form(document: dict[str, Any]) -> None:
    body = document["paths"]["/api/v1/auth/login"]["post"]["requestBody"]
    assert body["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/SignIn"}
    assert {"email", "password"} <= set(document["components"]["schemas"]["SignIn"]["required"])


def test_who_needs_what_is_said(document: dict[str, Any]) -> None:
    assert document["paths"]["/healthz"]["get"]["security"] == []
    assert document["paths"]["/api/v1/users/me"]["get"]["x-permission"] == "profile:read"
    assert {"bearer": []} in document["paths"]["/api/v1/users/me"]["get"]["security"]


def test_the_page_shows_every_route_without_inline_code(
    app: Flask, document: dict[str, Any], client_of: Callable[..., Any]
) -> None:
    answer = app.test_client().get("/api/docs")
    assert answer.status_code == 200
    assert answer.text.count("<details") == len(operations(document))
    assert " style=" not in answer.text and "<script>" not in answer.text and " onclick" not in answer.text
