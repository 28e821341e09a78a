"""A language model of an organisation's own: asked for its people, its key sealed, and never led into our own house (C5, F26)."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from onyx.core import networks
from tests.chat.conftest import model, models, settled  # noqa: F401
from tests.settings.conftest import SETTINGS, error_in

TRY = f"{SETTINGS}/model/test"
KEY = "sk-canary-3f1b9a"


@pytest.fixture(scope="module")
def house(serving, var):
    """A server whose operator lets organisations name services on this machine."""
    from tests.server import Server

    made = Server({**serving, "LLM_PRIVATE_ENDPOINTS": "true", "LLM_TIMEOUT": "3"}, var, 2)
    yield made
    made.stop()


@pytest.fixture
def own_model(house, sign_in, model):  # noqa: F811
    with house.http(sign_in("dana")["token"]) as dana:
        wanted = {"model_base_url": model.url, "model_name": "local", "model_key": KEY}
        answer = dana.patch(SETTINGS, json=wanted)
        assert answer.status_code == 200, answer.text
        yield dana


@pytest.fixture
def tls_model(tmp_path):
    """A service with a certificate of its own making: its address."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
    )
    began = datetime.now(UTC) - timedelta(days=1)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(began).not_valid_after(began + timedelta(days=9))
    secret = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = tmp_path / "own.pem"
    file.write_bytes(
        key.private_bytes(*secret) + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as listening:
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
        threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True).start()
        yield f"https://localhost:{listening.server_address[1]}/v1"
        listening.shutdown()


def _ask(server, socket_of, sign_in, name):
    token = sign_in(name)["token"]
    asked = socket_of(name, server, token=token).ask("message:sent", {"content": "What is it?"})
    with server.http(token) as http:
        return settled(http, asked["sessionId"], asked["replyId"])


def test_it_answers_this_organisations_people_and_nobody_elses(house, own_model, model, socket_of, sign_in):  # noqa: F811
    reply = _ask(house, socket_of, sign_in, "alice")
    assert reply["content"] == "The answer is fourty-two 🙂." and reply["metadata"]["model"] == "local"
    assert len(model.asked) == 1
    other = _ask(house, socket_of, sign_in, "mallory")
    assert len(model.asked) == 1 and other["metadata"].get("model") != "local"
    assert own_model.patch(SETTINGS, json={"model_base_url": None}).status_code == 200
    again = _ask(house, socket_of, sign_in, "alice")
    assert len(model.asked) == 1 and again["metadata"].get("model") != "local"


def test_its_key_is_nowhere_in_clear(own_model, owner, world, events):
    shown = own_model.get(SETTINGS).text
    assert KEY not in shown and '"model_key_set":true' in shown
    kept = owner.execute("select settings::text from onyx.tenant where id = %s", [world.acme.id]).fetchone()[0]
    assert KEY not in kept and base64.b64encode(KEY.encode()).decode() not in kept and "model_key_sealed" in kept
    told = events(world.acme, "settings.changed")
    assert len(told) == 1 and KEY not in str(told) and told[0]["details"]["model_key_changed"] is True
    assert {one["path"] for one in told[0]["changes"]} == {"model_base_url", "model_name"}


def test_the_button_asks_a_real_question_and_says_what_came(own_model, model):  # noqa: F811
    said = own_model.post(TRY, json={}).json()["data"]
    assert said["ok"] is True and said["answer"].startswith("The answer") and said["milliseconds"] >= 0
    assert len(model.asked) == 1
    model.mood = "refuse"
    said = own_model.post(TRY, json={}).json()["data"]
    assert said["ok"] is False and "500" in said["message"]
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        wanted = {"model_base_url": f"http://127.0.0.1:{nobody.getsockname()[1]}/v1", "model_name": "m"}
        said = own_model.post(TRY, json=wanted).json()["data"]
    assert (said["ok"], said["code"]) == (False, "provider_away")
    for wrong in ({"model_base_url": "nonsense"}, {"model_base_url": "ftp://x/y"}, {"model_name": None}):
        assert own_model.post(TRY, json=wrong).status_code == 422


def test_what_is_wrong_is_told_in_plain_words_and_stands_in_the_trail(own_model, model, events, world):  # noqa: F811
    found = {}
    for mood in (401, 404, 429, 503, "nonsense", "hang", "answer"):
        model.mood = mood
        answer = own_model.post(TRY, json={})
        assert KEY not in answer.text and "127.0.0.1" not in answer.text
        found[mood] = answer.json()["data"]
    words = {
        401: "key",
        404: "no such model",
        429: "too much",
        503: "503",
        "nonsense": "OpenAI-compatible",
        "hang": "silent",
    }
    for mood, word in words.items():
        assert found[mood]["ok"] is False and word in found[mood]["message"], found[mood]
        assert "again" not in found[mood]["message"], "that is for those who chat"
    assert found["answer"]["ok"] and (found["answer"]["whose"], found["answer"]["model"]) == ("own", "local")
    told = events(world.acme, "model.tested")
    assert [(one["outcome"], one["reason"]) for one in told] == [
        ("failure", found[mood]["code"]) if mood != "answer" else ("success", None) for mood in found
    ]
    assert KEY not in str(told)


def test_a_certificate_that_nobody_vouches_for_is_not_believed(own_model, tls_model, model):  # noqa: F811
    said = own_model.post(TRY, json={"model_base_url": tls_model, "model_key": KEY}).json()["data"]
    assert (said["ok"], said["code"]) == (False, "provider_untrusted") and "certificate" in said["message"]
    assert model.asked == []


def test_with_no_model_the_built_in_assistant_is_named(client_of, world, events):
    said = client_of("greta").post(TRY, json={}).get_json()["data"]
    assert (said["ok"], said["whose"]) == (True, "built_in") and "built-in assistant" in said["message"]


def test_the_installations_model_answers_and_its_address_is_nobodys_business(server, sign_in, model, events, world):  # noqa: F811
    lent = server(fresh=True, LLM_BASE_URL=model.url, LLM_MODEL="lent", LLM_API_KEY="sk-of-the-house")
    with lent.http(sign_in("greta")["token"]) as greta:
        said = greta.post(TRY, json={}).json()["data"]
        model.mood = 401
        refused = greta.post(TRY, json={})
    assert (said["ok"], said["whose"], said["model"]) == (True, "installation", "lent")
    assert refused.json()["data"]["code"] == "provider_refused"
    hidden = ("127.0.0.1", "sk-of-the-house")
    (*_, told) = [one["details"] for one in events(world.globex, "model.tested")]
    assert not any(word in f"{refused.text} {told}" for word in hidden)


def test_the_key_goes_to_its_own_service_alone(own_model, models, house, monkeypatch):  # noqa: F811
    """Whoever changes the address must give a key: the stored one would go to a stranger."""
    elsewhere = models.url.replace("127.0.0.1", "localhost")
    heard = []
    original = models.RequestHandlerClass.do_POST

    def listen(self):
        heard.append(self.headers.get("Authorization"))
        return original(self)

    monkeypatch.setattr(models.RequestHandlerClass, "do_POST", listen)
    assert own_model.post(TRY, json={}).json()["data"]["ok"]
    assert own_model.post(TRY, json={"model_base_url": elsewhere}).json()["data"]["ok"]
    assert heard == [f"Bearer {KEY}", None]
    refused = own_model.patch(SETTINGS, json={"model_base_url": elsewhere})
    assert refused.status_code == 422 and "model_key" in refused.json()["error"]["fields"]
    assert own_model.patch(SETTINGS, json={"model_base_url": elsewhere, "model_key": None}).status_code == 200
    assert own_model.get(SETTINGS).json()["data"]["model_key_set"] is False


@pytest.mark.shares_world
@pytest.mark.parametrize(
    "address",
    ["https://127.0.0.1", "https://localhost", "https://[::1]", "https://169.254.169.254", "https://10.0.0.1",
     "https://[::ffff:10.0.0.1]", "https://0.0.0.0", "https://192.168.1.1:8443/v1", "http://127.0.0.1:80"],
)  # fmt: skip
def test_without_the_operators_leave_it_must_lie_on_the_open_internet(client_of, address):
    said = client_of("dana").post(TRY, json={"model_base_url": address, "model_name": "m"}).get_json()["data"]
    assert (said["ok"], said["code"]) == (False, "provider_not_allowed"), said


def test_a_name_that_answers_differently_the_second_time_changes_nothing(client_of, monkeypatch):
    """The address that was looked at is the one that is connected to."""
    found = ["93.184.215.14", "127.0.0.1"]

    def resolve(_host, port, **_more):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found.pop(0), port))]

    monkeypatch.setattr(networks, "socket", SimpleNamespace(getaddrinfo=resolve, SOCK_STREAM=socket.SOCK_STREAM))
    pool = networks.pool_to("https", "models.example", None, networks.urllib3.Timeout(1), private=False)
    assert pool.host == "93.184.215.14" and found == ["127.0.0.1"]
    with pytest.raises(networks.NotPublic):
        networks.pool_to("https", "models.example", None, networks.urllib3.Timeout(1), private=False)


def test_a_model_that_an_organisation_may_not_reach_is_told_in_the_reply(client_of, server, socket_of, sign_in):
    wanted = {"model_base_url": "https://127.0.0.1/v1", "model_name": "m"}
    assert client_of("dana").patch(SETTINGS, json=wanted).status_code == 200
    reply = _ask(server(), socket_of, sign_in, "alice")
    assert reply["status"] == "failed" and "open internet" in reply["metadata"]["error"]["message"]
    assert error_in(client_of("alice").post(TRY, json={}))["code"] == "denied"
