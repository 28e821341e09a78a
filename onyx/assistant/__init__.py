"""Who answers: an OpenAI-compatible endpoint when there is one, else quotes from the person's own texts (C5).

A layer below the features: it knows no web, no Redis, no sockets. It reads inside the member scope that is open.
"""

from uuid import UUID

from config.settings import Settings

from . import built_in, endpoint, provider
from .answers import Answer, Failed, Question

__all__ = ["Answer", "Failed", "Question", "answer"]


def answer(settings: Settings, question: Question, own_model_of: UUID | None = None) -> Answer:
    """The answer to a stored question: what it is, and its pieces as they come. Raises Failed, also while iterating.

    `own_model_of` is the tenant, unless it is known to have no language model of its own.
    """
    asked = provider.own(settings, own_model_of) if own_model_of is not None else None
    asked = asked or provider.operators(settings)
    return endpoint.ask(asked, question) if asked is not None else built_in.ask(question)
