"""An organisation that requires a second factor has everybody whom it invites set one up first (I1, I6)."""

import pyotp

PATH = "/api/v1/invitations"
FACTORS = "/api/v1/auth/factors"
PASSWORD = "a rather long sentence"


def _enrol(client):
    begun = client.post(f"{FACTORS}/totp").get_json()["data"]
    return client.post(f"{FACTORS}/totp/confirm", json={"code": pyotp.TOTP(begun["secret"]).now()})


def test_whoever_was_invited_enrols_and_then_does_what_the_role_gives(app, client_of, world):
    dana = client_of("dana")
    assert _enrol(dana).status_code == 200
    assert dana.patch("/api/v1/sign-in-policy", json={"require_factor": True}).status_code == 200
    email = f"nora@{world.acme.slug}.example"
    made = dana.post(PATH, json={"email": email}).get_json()["data"]
    token = made["link"].partition("#")[2]
    guest = app.test_client()
    assert guest.post(f"{PATH}/redeem", json={"token": token, "password": PASSWORD}).status_code == 201
    data = guest.post("/api/v1/auth/login", json={"email": email, "password": PASSWORD}).get_json()["data"]
    nora = {"Authorization": f"Bearer {data['token']}"}
    refused = app.test_client().get("/api/v1/sessions", headers=nora)
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (403, "factor_required")
    begun = app.test_client().post(f"{FACTORS}/totp", headers=nora).get_json()["data"]
    code = pyotp.TOTP(begun["secret"]).now()
    assert app.test_client().post(f"{FACTORS}/totp/confirm", json={"code": code}, headers=nora).status_code == 200
    assert app.test_client().get("/api/v1/sessions", headers=nora).status_code == 200
