"""A serving process that hangs before it serves."""

import pytest

from tests.server import Server


@pytest.mark.slow
def test_a_process_that_never_finishes_loading_is_begun_anew_and_says_where_it_hung(serving, var, tmp_path):
    """gunicorn by itself waits for the first sign of life for ever: half of an installation would be missing, unseen."""
    asked = {**serving, "HUNG": str(tmp_path / "hung"), "GUNICORN_CMD_ARGS": "--timeout 2"}
    one = Server(asked, var, application="tests.edge.hangs_once:app")
    try:
        assert (tmp_path / "hung").exists()
        assert "waits_for_what_never_comes" in one.log() and "what somebody wrote" not in one.log()
    finally:
        one.stop()
