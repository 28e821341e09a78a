"""Whether a language model answers, before people have to find out: one small real question (C5, U1)."""

import time
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from onyx.access.settings import KEY, model_key
from onyx.assistant import Failed
from onyx.assistant.endpoint import pieces
from onyx.assistant.provider import Provider, of, operators
from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.scope import current_scope
from onyx.edge.state import state
from onyx.tenancy.settings import checked, settings_of

PATIENCE = 15.0  # seconds, for all of it
LONGEST = 200
QUESTION = [{"role": "user", "content": "Answer with the one word: ready"}]
BUILT_IN = (
    "No language model is set up: the built-in assistant answers, with quotations from people's own files, projects and"
    " chats."
)
# What a person who chats is told to do about it (try again) is not what whoever sets it up can do.
_ADVICE = {
    "provider_away": "Nothing answers at this address: its name, its port or the service itself is wrong or down.",
    "provider_busy": "The service says that it has too much to do (429), or that what was paid for is used up.",
    "provider_broke_off": "The service broke off in the middle of its answer.",
    "provider_key_lost": "The key that is stored here cannot be opened any more: enter it again.",
    "provider_not_allowed": "This address may not be asked: it must be reached by https and lie on the open internet.",
    "provider_refused": "The service refuses the key: enter the one that it gave you.",
    "provider_talks_nonsense": "The service answers, but not as an OpenAI-compatible one does: look at its address.",
    "provider_timeout": "The service was silent for too long.",
    "provider_unknown": "The service answers, but has no such model or no such address (404): look at the model's name,"
    " and whether the address ends as its documentation says (in /v1 as a rule).",
    "provider_untrusted": "The service's certificate cannot be trusted: it is out of date, for another name, or not"
    " signed by anybody known here.",
}


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Who would answer: the organisation's own service, or the installation's; None: the built-in assistant."""

    provider: Provider | None
    own: bool = False


def ask(session: Session, actor: Actor, wanted: dict[str, Any]) -> dict[str, Any]:
    """Ask whoever answers people here, or would with the settings in `wanted`. `{ok, whose, model, answer,
    milliseconds}`, or `{ok: false, code, message, …}`; it stands in the trail.

    Raises Invalid for an address that cannot be, and for a service without a model's name. The stored key goes to the
    stored address alone. Nothing is read or written before the service has answered, so that no connection waits for it.
    """
    try:
        chosen = _chosen(actor, wanted)
    except Failed as error:
        return _told(session, actor, None, True, {"ok": False, "code": error.code, "message": _advice(error)})
    if chosen.provider is None:
        return {"ok": True, "whose": "built_in", "model": None, "answer": None, "milliseconds": 0, "message": BUILT_IN}
    began = time.monotonic()
    try:
        found: dict[str, Any] = {"ok": True, "answer": _first_words(chosen.provider)}
    except Failed as error:
        found = {"ok": False, "code": error.code, "message": _advice(error)}
    found["milliseconds"] = int((time.monotonic() - began) * 1000)
    return _told(session, actor, chosen.provider, chosen.own, found)


def _chosen(actor: Actor, wanted: dict[str, Any]) -> _Chosen:
    before, settings = settings_of(current_scope()), state().settings
    decided = checked({**before.model_dump(), **{name: value for name, value in wanted.items() if name != KEY}})
    if not decided.model_base_url:
        return _Chosen(operators(settings))
    stays = decided.model_base_url == before.model_base_url
    try:
        key = wanted[KEY] if wanted.get(KEY) else model_key(actor.tenant_id, before) if stays else None
    except ValueError:
        raise Failed("provider_key_lost", "") from None
    return _Chosen(of(settings, decided, key), own=True)


def _first_words(provider: Provider) -> str:
    """Up to 200 letters; a service that keeps talking is heard out no longer than one that is silent."""
    patience = min(PATIENCE, state().settings.llm_timeout)
    until, said = time.monotonic() + patience, ""
    with closing(pieces(replace(provider, timeout=patience), QUESTION)) as words:
        for piece in words:
            said += piece
            if len(said) > LONGEST or time.monotonic() > until:
                break
    return said[:LONGEST]


def _advice(error: Failed) -> str:
    known = _ADVICE.get(error.code)
    if known is not None:
        return known
    return f"The service answered, but with an error{f' ({error.status})' if error.status else ''}."


def _told(
    session: Session, actor: Actor, provider: Provider | None, own: bool, found: dict[str, Any]
) -> dict[str, Any]:
    """Into the trail with it. The installation's own address is nobody's business in an organisation."""
    record(
        session, actor, Action.MODEL_TESTED, target("tenant", actor.tenant_id, actor.tenant_name),
        outcome="success" if found["ok"] else "failure", reason=found.get("code"),
        service=urlsplit(provider.base_url).netloc if provider is not None and own else None,
    )  # fmt: skip
    return {"whose": "own" if own else "installation", "model": provider.model if provider else None, **found}
