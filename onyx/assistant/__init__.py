"""Who answers: an OpenAI-compatible endpoint when one is configured, else quotes from the person's own texts (C5).

A layer below the features: it knows no web, no Redis, no sockets. It reads inside the member scope that is open.
"""

from config.settings import Settings

from . import built_in, endpoint
from .answers import Answer, Failed, Question

__all__ = ["Answer", "Failed", "Question", "answer"]


def answer(settings: Settings, question: Question) -> Answer:
    """The answer to a stored question: what it is, and its pieces as they come. Raises Failed, also while iterating."""
    if settings.llm_base_url:
        return endpoint.ask(settings, question)
    return built_in.ask(question)
