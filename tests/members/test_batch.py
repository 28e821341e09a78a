"""Many people at once, each by itself (X8)."""

import pytest

PATH = "/api/v1/users/batch"


@pytest.fixture
def world(fresh_world):
    return fresh_world


def test_each_has_a_result_and_what_is_wrong_keeps_no_other_out(client_of, world, app):
    slug = world.acme.slug
    sent = [
        {"email": f"ann@{slug}.example", "display_name": "Ann"},
        {"email": "no address"},
        {"email": world.alice.email},
        {"email": f"ann@{slug}.example"},
        {"email": f"ben@{slug}.example", "roles": ["auditor"], "password": "a rather long sentence"},
        {"email": f"eve@{slug}.example", "roles": ["emperor"]},
        {"nothing": True},
    ]
    data = client_of("dana").post(PATH, json={"users": sent}).get_json()["data"]
    assert (data["created"], data["refused"]) == (2, 5)
    assert [(one["index"], one["result"]) for one in data["results"]] == [
        (index, "created" if index in (0, 4) else "refused") for index in range(7)
    ]
    codes = [one["error"]["code"] for one in data["results"] if one["result"] == "refused"]
    assert codes == ["invalid", "conflict", "conflict", "invalid", "invalid"]
    assert "email" in data["results"][6]["error"]["fields"] and data["results"][4]["password"] is None
    for index, password in ((0, data["results"][0]["password"]), (4, "a rather long sentence")):
        sign_in = {"email": sent[index]["email"], "password": password}
        assert app.test_client().post("/api/v1/auth/login", json=sign_in).status_code == 200


def test_nobody_makes_more_than_they_may(client_of, world):
    wanted = [{"email": f"x@{world.acme.slug}.example"}]
    assert client_of("alice").post(PATH, json={"users": wanted}).status_code == 403
    for wrong in ({}, {"users": []}, {"users": wanted * 101}, {"users": ["x"]}):
        assert client_of("dana").post(PATH, json=wrong).status_code == 422, wrong
