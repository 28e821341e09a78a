"""An OpenAI-compatible endpoint: POST {base}/chat/completions with `stream: true`, server-sent events back.

Reference: platform.openai.com/docs/api-reference/chat-streaming. What goes wrong is told in words to act on.
"""

import json
import ssl
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import lru_cache
from urllib.parse import urlsplit

import structlog
import urllib3
from urllib3.response import BaseHTTPResponse

from onyx.core.networks import NotPublic, pool_to

from .answers import Answer, Failed, Question
from .prompt import conversation
from .provider import Provider

_log = structlog.get_logger()
_LONGEST_LINE = 1024 * 1024
_AT_ONCE = 65_536
_NO_ANSWER = "The language model did not answer. Your question is stored; try again in a moment."


def ask(provider: Provider, question: Question) -> Answer:
    """Ask the endpoint. The request is sent when the first piece is asked for."""
    messages = conversation(question)
    label = f"Answered by the language model {provider.model}"
    return Answer(label, provider.model, pieces(provider, messages))


def pieces(provider: Provider, messages: list[dict[str, str]]) -> Generator[str, None, None]:
    """What the endpoint says to a conversation, as it comes. Raises Failed."""
    with _connections(provider) as pool:
        response = _post(provider, pool, messages)
        finished = False
        try:
            for data in _events(response, provider.timeout):
                if data == b"[DONE]":
                    finished = True
                    return
                text, over = _delta(data)
                if text:
                    yield text
                finished = finished or over
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _broken(error) from None
        finally:
            response.close() if not finished else response.release_conn()
    if not finished:
        raise Failed("provider_broke_off", "The language model broke off. What came so far is kept; try again.")


@contextmanager
def _connections(provider: Provider) -> Iterator[urllib3.PoolManager | urllib3.HTTPConnectionPool]:
    """The operator's endpoint is asked over connections that stay, anybody else's over one to where its name leads now."""
    if not provider.pinned:
        yield _pool()
        return
    parts = urlsplit(provider.base_url)
    if parts.scheme != "https" and not provider.private:
        raise Failed(
            "provider_not_allowed", "The language model must be reached by https. An administrator can mend that."
        )
    try:
        made = pool_to(parts.scheme, parts.hostname or "", parts.port, _timeout(provider), provider.private)
    except NotPublic:
        told = "The language model's address does not lie on the open internet. An administrator can mend that."
        raise Failed("provider_not_allowed", told) from None
    except (OSError, UnicodeError, ValueError) as error:
        raise _broken(error) from None
    try:
        yield made
    finally:
        made.close()


def _post(
    provider: Provider, pool: urllib3.PoolManager | urllib3.HTTPConnectionPool, messages: list[dict[str, str]]
) -> BaseHTTPResponse:
    url = f"{provider.base_url}/chat/completions"
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    if provider.key is not None:
        headers["Authorization"] = f"Bearer {provider.key}"
    if provider.pinned:
        parts = urlsplit(url)
        url, headers["Host"] = parts.path, parts.netloc
    body = json.dumps({"model": provider.model, "messages": messages, "stream": True})
    try:
        response = pool.request(
            "POST", url, body=body.encode(), headers=headers, timeout=_timeout(provider), preload_content=False,
            redirect=False,
        )  # fmt: skip
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise _broken(error) from None
    if response.status != 200:
        status = response.status
        response.close()
        raise _refused(status)
    return response


def _timeout(provider: Provider) -> urllib3.Timeout:
    return urllib3.Timeout(connect=min(5.0, provider.timeout), read=provider.timeout)


def _events(response: BaseHTTPResponse, patience: float) -> Iterator[bytes]:
    """The data of each server-sent event (WHATWG HTML, section 9.2), as its line is complete.

    Comments alone, however many, are silence: after `patience` seconds of it Raises TimeoutError.
    """
    rest, heard = b"", time.monotonic()
    while chunk := response.read1(_AT_ONCE):
        if time.monotonic() - heard > patience:
            raise TimeoutError
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            raise Failed("provider_talks_nonsense", "The language model sent something that Onyx cannot read.")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].strip()
                heard = time.monotonic()


def _delta(data: bytes) -> tuple[str, bool]:
    """Text of one chunk, and whether it says that the answer is over."""
    try:
        chunk = json.loads(data)
        if chunk.get("error"):
            raise Failed("provider_failed", _NO_ANSWER)
        choice = chunk["choices"][0] if chunk.get("choices") else {}
        text = (choice.get("delta") or {}).get("content") or ""
        return str(text).replace("\x00", ""), bool(choice.get("finish_reason"))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Failed("provider_talks_nonsense", "The language model sent something that Onyx cannot read.") from None


def _refused(status: int) -> Failed:
    _log.warning("language model refused", status=status)
    if status in (401, 403):
        return Failed(
            "provider_refused", "The language model refuses Onyx's key. An administrator can mend that.", status
        )
    if status == 404:
        return Failed("provider_unknown", "There is no such language model. An administrator can mend that.", status)
    if status == 429:
        return Failed("provider_busy", "The language model is busy. Your question is stored; try again later.", status)
    return Failed("provider_failed", f"{_NO_ANSWER} (status {status})", status)


def _broken(error: Exception) -> Failed:
    _log.warning("language model away", error=type(error).__name__)
    if isinstance(error, (urllib3.exceptions.SSLError, ssl.SSLError)):
        told = "The language model's certificate cannot be trusted. An administrator can mend that."
        return Failed("provider_untrusted", told)
    refused = isinstance(error, urllib3.exceptions.NewConnectionError)  # which urllib3 counts among the timeouts
    if not refused and isinstance(error, (urllib3.exceptions.TimeoutError, TimeoutError)):
        return Failed("provider_timeout", "The language model took too long. Your question is stored; try again.")
    return Failed("provider_away", "The language model cannot be reached. Your question is stored; try again soon.")


@lru_cache(maxsize=1)
def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(num_pools=8, maxsize=64, block=False, retries=False)
