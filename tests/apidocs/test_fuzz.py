"""Schemathesis asks every route for what its document says, as Alice and as Dana: nothing may break."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SECONDS = 25.0
EXAMPLES = 12
# They end or change the session that asks; tests/sessions has them.
NOT_ASKED = {"/api/v1/auth/logout", "/api/v1/auth/refresh", "/api/v1/auth/login"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:schemathesis"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:jsonschema"),
]


class Asker:
    """Somebody who signs in again when the fuzzer has ended their own session."""

    def __init__(self, sign_in: Callable[..., dict[str, Any]], name: str) -> None:
        self._sign_in = sign_in
        self._name = name
        self._token = sign_in(name)["token"]

    def ask(self, case: Any) -> Any:
        answer = case.call(headers=self._headers())
        if answer.status_code == 401:
            self._token = self._sign_in(self._name)["token"]
            answer = case.call(headers=self._headers())
        return answer

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}


@pytest.mark.parametrize("name", ["alice", "dana"])
def test_no_request_that_fits_the_document_breaks_the_server(
    app: Flask, sign_in: Callable[..., dict[str, Any]], name: str
) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    asker = Asker(sign_in, name)
    operations = [o.ok() for o in schema.get_all_operations() if o.ok().path not in NOT_ASKED]
    began = time.monotonic()
    asked, wrong = 0, []
    for done, operation in enumerate(operations):
        left = SECONDS - (time.monotonic() - began)
        try:
            asked += _fuzz(operation, asker, time.monotonic() + left / (len(operations) - done))
        except (FailureGroup, Failure) as found:
            wrong.append(f"{operation.label}: {_told(found)}")
    assert not wrong, "\n\n".join(wrong)
    assert asked >= len(operations), "every operation is asked at least once"


def _told(found: Any) -> str:
    return "; ".join(str(one) for one in getattr(found, "exceptions", [found]))


def _fuzz(operation: Any, asker: Asker, until: float) -> int:
    asked = 0

    @settings(
        max_examples=EXAMPLES if time.monotonic() < until else 1,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def one(case: Any) -> None:
        nonlocal asked
        if asked and time.monotonic() > until:
            return
        asked += 1
        case.validate_response(asker.ask(case), checks=CHECKS)

    one()
    return asked
