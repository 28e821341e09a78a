"""What auditors may ask of the logs, what they get, and that their asking is itself recorded (A3, A7, A11)."""

import pytest

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.ids import uuid7

EVENTS = "/api/v1/audit/events"


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def carol(client_of):
    return client_of("carol")


@pytest.fixture
def write(session_of, actor_of):
    """Write events of one of the cast, in one transaction each: `write("alice", Action.X, times=3)`."""

    def events(name, action, *targets, times=1, **more):
        for _ in range(times):
            with session_of(name) as session:
                record(session, actor_of(name), action, *targets, **more)

    return events


def asked(client, **filters):
    answer = client.get(EVENTS, query_string=filters)
    assert answer.status_code == 200, answer.text
    return answer.get_json()["data"]


def ids(found):
    return [event["id"] for event in found]


def test_pages_by_cursor_show_each_event_once_newest_first(carol, write):
    write("alice", Action.CHAT_CREATED, times=23)
    seen, after, pages = [], None, 0
    while True:
        sent = {"action": "chat.created", "limit": 10} | ({"after": after} if after else {})
        answer = carol.get(EVENTS, query_string=sent).get_json()
        seen += answer["data"]
        pages, after = pages + 1, answer["next"]
        write("alice", Action.CHAT_CREATED)  # what comes meanwhile moves nothing
        if after is None:
            break
    assert (pages, len(seen), len(set(ids(seen)))) == (3, 23, 23)
    assert [e["recorded_at"] for e in seen] == sorted((e["recorded_at"] for e in seen), reverse=True)


def test_events_of_one_transaction_are_paged_without_loss(carol, session_of, actor_of):
    with session_of("alice") as session:
        for _ in range(15):
            record(session, actor_of("alice"), Action.CHAT_RENAMED)
    first = carol.get(EVENTS, query_string={"action": "chat.renamed", "limit": 7}).get_json()
    second = asked(carol, action="chat.renamed", limit=7, after=first["next"])
    assert len({*ids(first["data"]), *ids(second)}) == 14


def test_filters(carol, write, world, client_of):
    chat = uuid7()
    write("alice", Action.CHAT_CREATED, target("chat", chat))
    write("bob", Action.CHAT_DELETED, target("chat", chat), reason="tidy 100%_up")
    write("bob", Action.FILE_UPLOADED, target("file", uuid7(), "report.txt"))
    bob = client_of("bob")
    bob.get(EVENTS)

    def actions(**filters):
        return [
            e["action"]
            for e in asked(carol, **filters)
            if not e["action"].startswith(("audit_log", "user.", "session"))
        ]

    assert actions(actor=str(world.bob.id)) == ["access.denied", "file.uploaded", "chat.deleted"]
    assert actions(actor=world.bob.email) == actions(actor=world.bob.email.upper()) == actions(actor=str(world.bob.id))
    assert actions(actor="nobody@nowhere.example") == []
    assert actions(action="chat.*") == ["chat.deleted", "chat.created"]
    assert actions(action="chat.created,file.uploaded") == ["file.uploaded", "chat.created"]
    assert actions(target=str(chat)) == ["chat.deleted", "chat.created"]
    assert actions(target="report.txt") == ["file.uploaded"]
    assert actions(outcome="denied") == ["access.denied"]
    assert actions(session=bob.signed_in["session_id"]) == ["access.denied"]
    assert actions(ip="127.0.0.1") == ["access.denied"] and actions(ip="10.9.9.9") == []
    assert actions(q="100%_up") == ["chat.deleted"] and actions(q="100x_up") == []
    assert actions(q="REPORT") == ["file.uploaded"]
    assert actions(q="deleted a chat") == ["chat.deleted"]


def test_a_date_without_time_includes_its_whole_day(carol, write):
    write("alice", Action.CHAT_CREATED)
    moment = asked(carol, action="chat.created")[0]["recorded_at"]
    day = moment[:10]  # its own, in UTC: today may be tomorrow already
    assert len(asked(carol, action="chat.created", **{"from": day, "to": day})) == 1
    assert asked(carol, action="chat.created", to="2020-01-01") == []
    assert asked(carol, action="chat.created", **{"from": "2099-01-01"}) == []
    assert len(asked(carol, action="chat.created", **{"from": moment, "to": moment})) == 1


@pytest.mark.shares_world
@pytest.mark.parametrize(
    "filters",
    [
        {"action": "made.up"}, {"outcome": "maybe"}, {"session": "1"}, {"from": "yesterday"}, {"to": "2026-13-40"},
        {"limit": "0"}, {"limit": "1000"}, {"limit": "x"}, {"after": "x"}, {"after": "AAAA"}, {"q": "x" * 201},
        {"actor": "\x00"}, {"from": "9999-12-31T23:59:59.999999-23:59"}, {"to": "9999-12-31"},
    ],
)  # fmt: skip
def test_nonsense_is_refused_by_name(filters, carol):
    answer = carol.get(EVENTS, query_string=filters)
    assert answer.status_code == 422 or (answer.status_code == 200 and "from" in filters), answer.text
    if answer.status_code == 422:
        assert answer.get_json()["error"]["fields"].keys() == filters.keys()


def test_sql_in_a_filter_is_only_text(carol, write):
    write("alice", Action.CHAT_CREATED)
    for field in ("actor", "target", "ip", "q"):
        assert asked(carol, **{field: "' or 1=1 --"}) == []


def test_sentences_tell_who_and_whom(carol, client_of, world):
    client_of("alice")
    live = client_of("alice").signed_in
    newest = asked(carol, action="session.created", limit=1)[0]
    assert newest["sentence"] == "Alice Arden signed in"
    dana = client_of("dana")
    ended = dana.delete(f"/api/v1/live-sessions/{live['session_id']}")
    assert ended.status_code == 200, ended.text
    found = asked(carol, action="session.revoked")
    assert [e["sentence"] for e in found] == [f"Dana Admin ended a login session of {world.alice.email}"]


def test_one_event_in_full(carol, write, world):
    write("alice", Action.PROFILE_CHANGED, target("user", world.alice.id, world.alice.email))
    listed = asked(carol, action="profile.changed")[0]
    single = carol.get(f"{EVENTS}/{listed['id']}")
    assert single.status_code == 200 and single.get_json()["data"] == listed


def test_of_another_tenant_and_of_nothing_the_answer_is_the_same(client_of, carol, write):
    write("alice", Action.CHAT_CREATED)
    id = asked(carol, action="chat.created")[0]["id"]
    gus = client_of("gus")
    foreign, random, malformed = (gus.get(f"{EVENTS}/{x}") for x in (id, uuid7(), "nonsense"))
    assert {r.status_code for r in (foreign, random, malformed)} == {404}
    bodies = [
        {k: v for k, v in r.get_json()["error"].items() if k != "request_id"} for r in (foreign, random, malformed)
    ]
    assert bodies[0] == bodies[1] == bodies[2]
    assert carol.get(f"{EVENTS}/{id}").status_code == 200


def test_an_auditor_sees_their_own_tenant_alone(client_of, carol, write):
    write("alice", Action.CHAT_CREATED)
    write("mallory", Action.CHAT_DELETED)
    gus = client_of("gus")
    assert [e["action"] for e in asked(gus, action="chat.*")] == ["chat.deleted"]
    assert [e["action"] for e in asked(carol, action="chat.*")] == ["chat.created"]


@pytest.mark.shares_world
@pytest.mark.parametrize("name", ["dana", "cleo", "alice", "lee"])
@pytest.mark.parametrize("path", [EVENTS, "/api/v1/access-log", "/api/v1/audit/actions", "/audit/", "/audit/access"])
def test_only_auditors_read_the_logs(name, path, client_of):
    assert client_of(name).get(path).status_code == 403


def looks(owner, tenant, action="audit_log.viewed"):
    return owner.execute(
        f"select details->'asked', targets from {tenant.schema}.audit_event where action = %s order by recorded_at, event_id",
        [action],
    ).fetchall()


def test_looking_is_recorded_once_a_minute_for_each_question(carol, owner, world, client_of):
    for _ in range(3):
        asked(carol)
        asked(carol, action="chat.*")
    chats = ",".join(action for action in Action if action.startswith("chat."))
    assert [row[0]["filters"] for row in looks(owner, world.acme)] == [{}, {"action": chats}]
    event = asked(carol)[0]["id"]
    carol.get(f"{EVENTS}/{event}")
    carol.get(f"{EVENTS}/{event}")
    assert [row[0].get("event") for row in looks(owner, world.acme)][2:] == [event]
    client_of("carol").get(EVENTS)
    assert len(looks(owner, world.acme)) == 4, "another login session is another look"
    carol.get("/api/v1/access-log")
    carol.get("/api/v1/access-log")
    assert len(looks(owner, world.acme, "access_log.viewed")) == 1


def test_what_cannot_be_recorded_cannot_be_looked_at(carol, owner, world):
    function = f"{world.acme.schema}.audit_append(jsonb)"
    owner.execute(f"revoke execute on function {function} from {world.acme.schema}")
    try:
        assert carol.get(EVENTS).status_code == 503
    finally:
        owner.execute(f"grant execute on function {function} to {world.acme.schema}")
    assert carol.get(EVENTS).status_code == 200


def test_a_search_that_takes_too_long_is_given_up_with_advice(carol, monkeypatch):
    from onyx.trail import queries

    monkeypatch.setattr(queries, "SLOWEST", "1ms")
    monkeypatch.setattr(queries, "_EVENT", queries._EVENT.replace("select ", "select pg_sleep(0.2), ", 1))
    answer = carol.get(EVENTS)
    assert answer.status_code == 422 and "shorter time" in answer.get_json()["error"]["message"], answer.text
    monkeypatch.undo()
    assert carol.get(EVENTS).status_code == 200


def test_the_access_log_by_user_method_and_status(app, carol, client_of, world):
    alice = client_of("alice")
    alice.get("/api/v1/users/me")
    alice.patch("/api/v1/users/me", json={"display_name": "A"})
    alice.get(EVENTS)
    with app.app_context():
        app.extensions["onyx"].access_log.drain()

    def lines(**filters):
        answer = carol.get("/api/v1/access-log", query_string=filters)
        assert answer.status_code == 200, answer.text
        return [(line["method"], line["route"], line["status"]) for line in answer.get_json()["data"]]

    me = ("GET", "/api/v1/users/me", 200)
    changed, denied = ("PATCH", "/api/v1/users/me", 200), ("GET", EVENTS, 403)
    assert lines(user=world.alice.email) == lines(user=str(world.alice.id)) == [denied, changed, me]
    assert lines(user=world.alice.email, method="patch") == [changed]
    assert lines(user=world.alice.email, status="4xx") == lines(user=world.alice.email, status="403") == [denied]
    assert lines(user="nobody@x.example") == []
    assert carol.get("/api/v1/access-log", query_string={"status": "abc"}).status_code == 422


def test_everybody_reads_their_own_trail_and_no_other(client_of, write):
    write("alice", Action.CHAT_CREATED)
    write("bob", Action.CHAT_DELETED)
    found = client_of("alice").get("/api/v1/users/me/trail").get_json()["data"]
    assert {e["actor"]["display"] for e in found} == {found[0]["actor"]["display"]}
    assert "chat.created" in {e["action"] for e in found} and "chat.deleted" not in {e["action"] for e in found}
    assert client_of("alice").get("/settings/trail").status_code == 200
