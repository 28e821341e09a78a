"""The application on a server that loses its patience sooner, for test_half_sent.py: a test need not wait for half a minute."""

import os

from config import worker

worker.HEAD_SECONDS = worker.BODY_SECONDS = int(os.environ["SOONER"])

from wsgi import app  # noqa: E402 - nothing is served with the real ones

__all__ = ["app"]
