"""The floor: the same work in a bare Flask app, without isolation, roles, audit or access log.

Same gunicorn and gevent, psycopg without ORM, the standard library's json, an HS256 bearer token checked against one
Redis GET, the same rows. Run as `gunicorn -c config/gunicorn.py bench.floor:app` by bench.place.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import jwt
import psycopg
import redis
import urllib3
from flask import Flask, Response, abort, request
from flask_socketio import SocketIO, join_room
from psycopg.rows import dict_row

KEY = os.environ["FLOOR_KEY"]
CHAT = "insert into chat_session (user_id, id, title, preview, last_seq, message_count) values (%s, %s, %s, %s, 2, 2)"
PAIR = (
    "insert into chat_message (user_id, id, chat_session_id, seq, author_id, parent_id, role, status, content)"
    " values (%s, %s, %s, 1, %s, null, 'user', 'done', %s), (%s, %s, %s, 2, null, %s, 'assistant', 'pending', '')"
    " returning created_at"
)
FINISH = "update chat_message set content = %s, status = 'done', updated_at = now() where user_id = %s and id = %s"
app = Flask(__name__)
socketio = SocketIO(app, async_mode="gevent", transports=["websocket"], message_queue=os.environ["REDIS_URL"])
cache = redis.Redis.from_url(os.environ["REDIS_URL"])
model = urllib3.PoolManager(maxsize=32)
idle: list[psycopg.Connection[Any]] = []


@contextmanager
def database() -> Iterator[psycopg.Connection[Any]]:
    connection = idle.pop() if idle else psycopg.connect(os.environ["FLOOR_URL"], row_factory=dict_row)
    with connection.transaction():
        yield connection
    idle.append(connection)


def who(token: str | None = None) -> str:
    claims = jwt.decode(token or request.headers["Authorization"][7:], KEY, algorithms=["HS256"])
    return claims["sub"] if cache.get(f"floor:{claims['sid']}") else abort(401)


def ok(data: Any, status: int = 200) -> Response:
    text = json.dumps({"success": True, "data": data}, default=plain)
    return Response(text, status, content_type="application/json")


def plain(value: Any) -> str:
    return str(value) if isinstance(value, UUID) else value.isoformat()


@app.get("/readyz")
def ready() -> Response:
    return ok(True)


@app.get("/api/v1/users/me")
def me() -> Response:
    with database() as db:
        sql = "select u.*, p.* from app_user u join profile p on p.user_id = u.id where u.id = %s"
        row: Any = db.execute(sql, [who()]).fetchone()
    return ok({"id": row["id"], "email": row["email"], "name": row["display_name"], "preferences": row["preferences"]})


@app.get("/api/v1/sessions")
def chats() -> Response:
    columns = "id, title, preview, message_count, project_id, created_at, updated_at, last_message_at"
    sql = f"select {columns} from chat_session where user_id = %s order by last_message_at desc, id desc limit %s"
    with database() as db:
        return ok(db.execute(sql, [who(), int(request.args["limit"])]).fetchall())


@app.get("/api/v1/sessions/<uuid:chat>/messages")
def messages(chat: UUID) -> Response:
    columns = "id, seq, role, status, content, parent_id, token_count, metadata, created_at"
    sql = f"select {columns} from chat_message where user_id = %s and chat_session_id = %s order by seq limit %s"
    with database() as db:
        return ok(db.execute(sql, [who(), chat, int(request.args["limit"])]).fetchall())


@app.get("/api/v1/users")
def people() -> Response:
    sql = (
        "select u.id, u.email, u.status, u.created_at, p.display_name, p.last_login_at,"
        " array(select role from user_role r where r.user_id = u.id) as roles"
        " from app_user u join profile p on p.user_id = u.id order by u.id desc limit %s"
    )
    with database() as db:
        return ok(who() and db.execute(sql, [int(request.args["limit"])]).fetchall())


def begin(user: str, text: str) -> tuple[UUID, UUID, Any]:
    chat, question, reply = uuid4(), uuid4(), uuid4()
    with database() as db:
        db.execute(CHAT, [user, chat, text[:60], text[:120]])
        row: Any = db.execute(PAIR, [user, question, chat, user, text, user, reply, chat, question]).fetchone()
    return chat, reply, row["created_at"]


@app.post("/api/v1/sessions")
def create() -> Response:
    chat, reply, at = begin(who(), request.get_json()["text"])
    return ok({"id": chat, "reply_id": reply, "created_at": at}, 201)


@app.post("/api/v1/chat")
def turn() -> Response:
    user, text = who(), request.get_json()["text"]
    return Response(answer(user, text, *begin(user, text)[:2]), content_type="text/event-stream")


def answer(user: str, text: str, chat: UUID, reply: UUID) -> Iterator[str]:
    yield event("session", {"session_id": str(chat), "message_id": str(reply)})
    asked = {"stream": True, "messages": [{"role": "user", "content": text}]}
    found = model.request("POST", os.environ["LLM_BASE_URL"] + "/chat/completions", json=asked, preload_content=False)
    said = ""
    for line in found:
        if line.startswith(b"data: {"):
            word = json.loads(line[6:])["choices"][0]["delta"].get("content", "")
            said += word
            yield event("delta", {"text": word})
    with database() as db:
        db.execute(FINISH, [said, user, reply])
    yield event("done", {})


def event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


@socketio.on("connect")
def connect(auth: dict[str, str]) -> None:
    join_room(who(auth["token"]))


@socketio.on("typing:start")
def typing(payload: dict[str, str]) -> dict[str, bool]:
    socketio.emit("typing", payload, to=who(payload["token"]))
    return {"ok": True}
