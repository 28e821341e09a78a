"""Organisations whose settings are changed through the doors, by their own administrators and by the platform's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

SETTINGS = "/api/v1/tenant/settings"


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def allow(client_of, world) -> Callable[..., dict[str, Any]]:
    """Set what the platform decides: `allow(quota_users=7)`; for Acme, or `allow(world.globex, …)`."""
    petra: list[Any] = []

    def change(tenant: Any = None, **wanted: Any) -> dict[str, Any]:
        petra[:] = petra or [client_of("petra")]
        answer = petra[0].patch(f"/api/v1/tenants/{(tenant or world.acme).id}", json={"settings": wanted})
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.get_json()["data"]
        return data

    return change


@pytest.fixture
def decide(client_of) -> Callable[..., Any]:
    """Change Acme's settings as Dana: the answer."""
    dana: list[Any] = []

    def change(**wanted: Any) -> Any:
        dana[:] = dana or [client_of("dana")]
        return dana[0].patch(SETTINGS, json=wanted)

    return change


@pytest.fixture
def events(owner) -> Callable[..., list[Any]]:
    """What a tenant's trail says of one action, the oldest first."""

    def of(tenant: Any, action: str) -> list[Any]:
        asked = f"select * from {tenant.schema}.audit_event where action = %s order by recorded_at, event_id"
        cursor = owner.execute(asked, [action])
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    return of


def error_in(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = answer.get_json()["error"]
    return found
