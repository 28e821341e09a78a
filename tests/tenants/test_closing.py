"""A tenant that closes stops at once whatever its people have under way, and nobody else notices (T1, S5)."""

import json
import threading
from uuid import UUID

import pytest
from rq import SimpleWorker
from rq.serializers import JSONSerializer

import jobs.replies
import jobs.sessions  # noqa: F401
from jobs import runner
from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.chat.recovery import recover_replies
from onyx.core.actor import Actor
from onyx.core.ids import uuid7
from onyx.edge import queue
from tests.chat.conftest import Model, settled, until
from tests.waiting import PATIENT, promptly

PROCESSES = 2


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture(scope="module")
def model():
    made = Model()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def talker(model, server):
    model.reset()
    model.words, model.pause = [f"w{i} " for i in range(2000)], 0.1  # three minutes
    return server(processes=PROCESSES, fresh=True, LLM_BASE_URL=model.url, LLM_MODEL="local")


def _key_of(client):
    sent = {"name": "program", "permissions": ["chat:use"], "expires_in_days": 1}
    answer = client.post("/api/v1/api-keys", json=sent)
    assert answer.status_code == 201, answer.text
    return answer.get_json()["data"]["key"]


def _streaming(http):
    """A turn over HTTP that has begun: the lines to come, and the chat and reply that they belong to."""
    lines = http.post("/api/v1/chat", json={"text": "Count"}, stream=True).iter_lines(decode_unicode=True)
    head = [next(lines) for _ in range(8)]
    return lines, json.loads(head[4].removeprefix("data: "))


@pytest.mark.slow
def test_everything_of_a_suspended_tenant_ends_within_a_second(talker, socket_of, client_of, sign_in, world):
    """Sixty sockets on two processes, an API key, two streams over HTTP (one by key), and one of somebody else."""
    alice, petra = sign_in("alice")["token"], talker.http(sign_in("petra")["token"])
    program = talker.http(_key_of(client_of("alice")))
    sockets = [socket_of(name, talker, token=sign_in(name)["token"]) for name in ("alice", "bob", "carol") * 20]
    stranger, theirs = socket_of("mallory", talker), talker.http(sign_in("mallory")["token"])
    mine, ids = _streaming(talker.http(alice))
    by_key, _ = _streaming(program)
    other, _ = _streaming(theirs)

    ended = {}

    def drain(name, lines):
        ended[name] = "\n".join(lines)

    readers = [threading.Thread(target=drain, args=one) for one in (("mine", mine), ("key", by_key))]
    for reader in readers:
        reader.start()
    assert petra.post(f"/api/v1/tenants/{world.acme.id}/suspend").status_code == 200
    with promptly(4):
        assert program.get("/api/v1/users/me").json()["error"]["reason"] == "tenant_suspended"
        assert all(one.wait_for("session:revoked")["reason"] == "tenant_suspended" for one in sockets)
        for reader in readers:
            reader.join(PATIENT)
    assert len(ended) == 2
    for rest in ended.values():
        assert '"status":"stopped"' in rest and "tenant_suspended" in rest
    assert '"status":"stopped"' not in "".join(next(other) for _ in range(20)) and stranger.connected

    assert petra.post(f"/api/v1/tenants/{world.acme.id}/resume").status_code == 200
    assert program.get("/api/v1/users/me").status_code == 200, "a key is not a session: it works again"
    with talker.http(sign_in("alice")["token"]) as again:
        reply = settled(again, ids["session_id"], ids["reply_id"])
    assert reply["status"] == "stopped" and reply["content"].startswith("w0 "), "what was there is kept"


@pytest.mark.slow
def test_an_answer_ends_within_a_second_when_its_reader_s_network_is_let_in_no_more(talker, client_of, sign_in, world):
    """On whichever process it is written, for a person and for a program; nobody else's."""
    petra, alice = client_of("petra"), sign_in("alice")["token"]
    mine, ids = _streaming(talker.http(alice))
    by_key, _ = _streaming(talker.http(_key_of(client_of("alice"))))
    theirs, _ = _streaming(talker.http(sign_in("mallory")["token"]))
    place = f"/api/v1/tenants/{world.acme.id}"
    assert petra.patch(place, json={"settings": {"email_domains": ["acme.example"]}}).status_code == 200
    assert next(mine) is not None and next(by_key) is not None, "other settings end nothing"
    assert petra.patch(place, json={"settings": {"ip_allow": ["203.0.113.0/24"]}}).status_code == 200
    with promptly(4):
        for lines in (mine, by_key):
            rest = "\n".join(lines)
            assert '"status":"stopped"' in rest and "address_refused" in rest and "w1999 " not in rest
    assert '"status":"stopped"' not in "".join(next(theirs) for _ in range(20))
    assert petra.patch(place, json={"settings": {"ip_allow": None}}).status_code == 200
    with talker.http(alice) as again:
        reply = settled(again, ids["session_id"], ids["reply_id"])
    assert reply["status"] == "stopped" and reply["content"].startswith("w0 "), "what was there is kept"


@pytest.mark.slow
def test_end_all_sessions_leaves_the_admins_own_answer_running(talker, model, sign_in, world):
    model.words, model.pause = [f"w{i} " for i in range(200)], 0.2
    dana, bob = sign_in("dana")["token"], sign_in("bob")["token"]
    own, _ = _streaming(talker.http(dana))
    other, _ = _streaming(talker.http(bob))
    assert talker.http(dana).post("/api/v1/live-sessions/revoke", json={"all": True}).json()["data"]["ended"] >= 1
    assert '"status":"stopped"' in "\n".join(other)
    model.pause = 0.0
    rest = "\n".join(own)
    assert '"status":"done"' in rest and "w199 " in rest


def test_a_stream_that_opens_just_after_the_notice_is_stopped_too(app, client_of, sign_in, world):
    """Somebody who was let in a moment before the tenant closed."""
    alice = sign_in("alice")
    with app.app_context():
        streams = app.extensions["onyx"].streams
        user, login = UUID(alice["user"]["id"]), UUID(alice["session_id"])
        client_of("petra").post(f"/api/v1/tenants/{world.acme.id}/suspend")
        with streams.open(_reader(world, user, login), uuid7()) as late:
            assert late.stopped.is_set() and late.reason == "tenant_suspended"
        client_of("petra").post(f"/api/v1/tenants/{world.acme.id}/resume")
        fresh = sign_in("alice")
        with streams.open(_reader(world, user, UUID(fresh["session_id"])), uuid7()) as stream:
            assert not stream.stopped.is_set(), "whoever signed in anew is not meant"


def test_a_queued_job_of_a_closed_tenant_is_refused(app, client_of, sign_in, world, owner):
    """Asked for while it was open, taken from the queue after it closed."""
    dana = sign_in("dana")
    state = app.extensions["onyx"]
    actor = {"kind": "user", "user": dana["user"]["id"], "session": dana["session_id"], "email": ""}
    with queue.connect(state.settings.redis_url) as connection, app.app_context():
        name = f"closing-{uuid7().hex}"
        mark = queue.mark_of("sessions.expire", world.acme.id)
        run = queue.place(connection, name, "sessions.expire", world.acme.id, actor, mark)
        client_of("petra").post(f"/api/v1/tenants/{world.acme.id}/suspend")
        wanted = queue.queue(name, connection)
        SimpleWorker([wanted], connection=connection, serializer=JSONSerializer).work(burst=True)
        failed = wanted.fetch_job(run)
        assert failed.is_failed and "not active" in failed.latest_result().exc_string


def test_a_job_in_the_middle_stops_at_its_next_transaction(app, client_of, world):
    seen = []

    def work(run):
        with run.unit_of_work():
            seen.append("before")
        client_of("petra").post(f"/api/v1/tenants/{world.acme.id}/suspend")
        with run.unit_of_work():
            seen.append("after")
        return runner.Done()

    entry = runner.JOBS["sessions.expire"].entry
    chosen = runner.Job(entry, work, "job:sessions", None)
    asker = runner.Asker(world.acme.id, everywhere=False)
    with app.app_context():
        done = runner._visit(chosen, asker, world.acme.id, uuid7().hex, public=False)
    assert (done.outcome, seen) == ("stopped", ["before"])


def test_nothing_is_answered_for_a_closed_tenant_and_all_of_it_later(app, client_of, session_of, world, owner, run_job):
    """The known weak point: a reply whose process died was written by the job, suspended or not."""
    alice, chat, question, reply = world.alice.id, uuid7(), uuid7(), uuid7()
    schema = world.acme.schema
    with session_of("alice") as session:
        run = session.connection().exec_driver_sql
        run("insert into chat_session (user_id, id, title) values (%s, %s, 't')", (alice, chat))
        run("insert into chat_message (user_id, id, chat_session_id, role, content) values (%s, %s, %s, 'user', 'hello')",
            (alice, question, chat))  # fmt: skip
        run("insert into chat_message (user_id, id, chat_session_id, role, content, status, parent_id, created_at)"
            " values (%s, %s, %s, 'assistant', '', 'pending', %s, now() - interval '5 minutes')",
            (alice, reply, chat, question))  # fmt: skip
        system = Actor(world.acme.id, "", "", None, "", "", kind="system")
        record(session, system, Action.CHAT_CREATED, target("chat", chat))
    owner.execute("insert into onyx.due values (%s, 'replies', now())", [world.acme.id])

    def status():
        return owner.execute(f"select status from {schema}.chat_message where id = %s", [reply]).fetchone()[0]

    path = f"/api/v1/tenants/{world.acme.id}"
    client_of("petra").post(f"{path}/suspend")
    run_job("replies.recover")
    with app.app_context():
        assert recover_replies(world.acme.id) == 0
    assert status() == "pending"
    client_of("petra").post(f"{path}/resume")
    owner.execute("update onyx.due set due_at = now() where tenant_id = %s and job = 'replies'", [world.acme.id])
    run_job("replies.recover")
    assert until(lambda: status() != "pending") and status() == "done"


def _reader(world, user, login):
    return Actor(world.acme.id, world.acme.slug, world.acme.name, user, "", "", session_id=login)
