"""The application as a checkout would have it that knows no migrations but those in the folder MIGRATIONS.

For gunicorn: `tests.upgrades.older:app`.
"""

from __future__ import annotations

import os
from pathlib import Path

from onyx.tenancy import scripts

scripts.ROOT = Path(os.environ["MIGRATIONS"])

from wsgi import app  # noqa: E402 - it must not have read the migrations before

__all__ = ["app"]
