"""Whether a language model answers, before people have to find out: one small real question (C5)."""

import time
from dataclasses import replace
from typing import Any

from onyx.access.settings import KEY, model_key
from onyx.assistant import Failed
from onyx.assistant.endpoint import pieces
from onyx.assistant.provider import of
from onyx.core.actor import Actor
from onyx.core.errors import Invalid
from onyx.core.scope import current_scope
from onyx.edge.state import state
from onyx.tenancy.settings import checked, settings_of

PATIENCE = 15.0  # seconds
LONGEST = 200
QUESTION = [{"role": "user", "content": "Answer with the one word: ready"}]


def ask(actor: Actor, wanted: dict[str, Any]) -> dict[str, Any]:
    """Ask the service that is set up, or the one that `wanted` describes: `{ok, model, answer, milliseconds}` or
    `{ok: false, code, message, milliseconds}`.

    Raises Invalid for an address that cannot be, and where there is no service. The stored key goes to the stored
    address alone.
    """
    before = settings_of(current_scope())
    decided = checked({**before.model_dump(), **{name: value for name, value in wanted.items() if name != KEY}})
    stays = decided.model_base_url == before.model_base_url
    key = wanted[KEY] if wanted.get(KEY) else model_key(actor.tenant_id, before) if stays else None
    settings = state().settings
    provider = of(settings, decided, key)
    if provider is None:
        raise Invalid(fields={"model_base_url": "Give an address and a model to try."})
    began = time.monotonic()
    try:
        said = _first_words(provider, min(PATIENCE, settings.llm_timeout))
    except Failed as error:
        return {"ok": False, "code": error.code, "message": error.message, "milliseconds": _since(began)}
    return {"ok": True, "model": provider.model, "answer": said, "milliseconds": _since(began)}


def _first_words(provider: Any, patience: float) -> str:
    said = ""
    for piece in pieces(replace(provider, timeout=patience), QUESTION):
        said += piece
        if len(said) > LONGEST:
            break
    return said[:LONGEST]


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
