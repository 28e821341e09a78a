"""What a language model gets to read: who it is, and the latest of the conversation within a budget."""

from typing import Any

from onyx.core.db import only_rows, unit_of_work
from onyx.core.wire import Fixed

from .answers import Question

BUDGET = 24_000  # characters, about 6,000 tokens
MOST = 40
SYSTEM = (
    "You are the assistant of Onyx, a private workspace. Answer in the language of the question, in Markdown, plainly "
    "and briefly. Say so when you do not know."
)
# The limit stands in the statement: with one that comes as a value PostgreSQL plans anew each time in longer chats.
_HISTORY = Fixed(f"""
select role, content from chat_message
 where user_id = (select user_id from chat_message where id = %s) and chat_session_id = %s
   and seq < (select seq from chat_message where id = %s) and status in ('done', 'stopped') and content <> ''
 order by seq desc limit {MOST}
""")


def conversation(question: Question) -> list[dict[str, str]]:
    """System prompt, as much of the latest history as fits, the question: messages of the chat completions API."""
    chosen: list[dict[str, str]] = []
    left = BUDGET - len(question.text)
    for row in [] if question.first else _before(question):
        left -= len(row.content)
        if left < 0:
            break
        chosen.append({"role": row.role, "content": row.content})
    return [{"role": "system", "content": SYSTEM}, *reversed(chosen), {"role": "user", "content": question.text}]


def _before(question: Question) -> list[Any]:
    """The latest messages before it, newest first."""
    with unit_of_work() as session:
        return only_rows(session, _HISTORY, question.message_id, question.chat_id, question.message_id)
