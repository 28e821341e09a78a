"""The page's own modules without a browser: what is waiting to be sent, and how replies are put together."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.skipif(
    shutil.which("node") is None, reason="node is not on the PATH; the browser story covers these modules too"
)
def test_outbox_and_replies() -> None:
    files = sorted(str(path) for path in (ROOT / "tests/js").glob("*.test.js"))
    assert files
    run = subprocess.run(["node", "--test", *files], check=False, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stdout + run.stderr
