"""The chat page, at `/` and at `/c/<chat_id>`."""

from typing import Any

from flask import Blueprint, redirect, render_template
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from onyx.access.policy import Permission, landing
from onyx.core.actor import Actor
from onyx.edge.http import requires

from . import queries

blueprint = Blueprint("chat", __name__)


@blueprint.get("/")
@requires(Permission.OWN_ACCOUNT)
def page(actor: Actor, _session: Session) -> str | Response:
    """The chat, or the page on which those who do not chat begin."""
    if not actor.may(Permission.CHAT_USE):
        return redirect(landing(actor.permissions))
    return render_template("chat/page.html")


@blueprint.get("/c/<chat_id>")
@requires(Permission.CHAT_USE, of=queries.chat)
def chat_page(_actor: Actor, _session: Session, chat: Any) -> str:
    """The same page with one of the person's own chats open; the script asks for its messages."""
    return render_template("chat/page.html")
