"""What clients send about chats; `/api/v1` speaks snake_case, sockets and the seed's routes camelCase."""

from typing import Annotated, Literal
from uuid import UUID, uuid5

from pydantic import AfterValidator, Field, model_validator

from onyx.core.errors import NotFound
from onyx.core.ids import parse_id
from onyx.edge.http import Body

LONGEST = 100_000
LONGEST_TITLE = 200
_CLIENT_IDS = UUID("6f0b6f3c-5d0e-5c0a-9a53-0d7f1c0c4f7e")


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def _one_line(text: str) -> str:
    return " ".join(_not_blank(text).split())


Content = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(_not_blank)]
Title = Annotated[str, Field(min_length=1, max_length=LONGEST_TITLE), AfterValidator(_one_line)]
Name = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_one_line)]
Id = Annotated[str, Field(min_length=1, max_length=100)]


def known_id(text: str | None) -> UUID | None:
    """An id that a client named, None for none. Raises NotFound for a malformed one: it is an unknown one."""
    if text is None:
        return None
    found = parse_id(text)
    if found is None:
        raise NotFound()
    return found


def client_key(text: str | None) -> UUID | None:
    """A client's own id of a message as a UUID; clients that use other words for it get a derived one."""
    if text is None:
        return None
    return parse_id(text) or uuid5(_CLIENT_IDS, text)


class Sent(Body):
    """`message:sent`."""

    content: Content
    sessionId: Id | None = None
    clientId: Id | None = None
    parentId: Id | None = None
    personaId: Id | None = None


class Joined(Body):
    """`session:join`."""

    sessionId: Id
    afterSeq: int = Field(0, ge=0, le=2**31 - 1)


class Stopped(Body):
    """`message:stop`."""

    sessionId: Id
    messageId: Id | None = None


class Retried(Body):
    """`message:retry`."""

    sessionId: Id
    messageId: Id


class Typed(Body):
    """`typing:start`, `typing:stop`."""

    sessionId: Id


class NewProject(Body):
    name: Name


class Turn(Body):
    """`POST /api/v1/chat`."""

    text: Content
    session_id: Id | None = None
    project_id: Id | None = None
    project: NewProject | None = None
    persona_id: Id | None = None
    client_id: Id | None = None


class NewChat(Body):
    title: Title | None = None
    project_id: Id | None = None


class ChatChange(Body):
    """`project_id` null takes the chat out of its project; without it, it stays where it is."""

    title: Title | None = None
    project_id: Id | None = None


class NewTitle(Body):
    title: Title


class Batch(Body):
    """`POST /api/v1/sessions/batch`. `format` is for exports; `project_id`, null for none, says where to move."""

    op: Literal["delete", "export", "move"]
    ids: list[Id] = Field(min_length=1, max_length=100)
    format: Literal["md", "json", "html"] = "json"
    project_id: Id | None = None

    @model_validator(mode="after")
    def says_where_to(self) -> "Batch":
        if self.op == "move" and "project_id" not in self.model_fields_set:
            raise ValueError("moving needs a project_id, or null for out of any project")
        return self


class SeedChat(Body):
    """`POST /api/sessions`: the seed lets the client choose the id."""

    sessionId: Id | None = None
