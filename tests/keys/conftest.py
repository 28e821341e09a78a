"""What tests of API keys share: making one, and asking with it."""

import pytest


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def key_of(client_of):
    def make(name, *permissions, **more):
        sent = {"name": f"{name}'s program", "permissions": list(permissions) or ["chat:use"], **more}
        answer = client_of(name).post("/api/v1/api-keys", json=sent)
        assert answer.status_code == 201, answer.text
        return answer.get_json()["data"]

    return make


@pytest.fixture
def by_key(app):
    def ask(key, method, path, **more):
        return app.test_client().open(path, method=method, headers={"Authorization": f"Bearer {key}"}, **more)

    return ask


def status(by_key, key, path="/api/v1/sessions"):
    return by_key(key, "GET", path).status_code
