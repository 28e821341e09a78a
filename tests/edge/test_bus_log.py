"""What interrupts the control bus can be found from its log: a defect with its traceback, an outage in a line (M5)."""

import pytest
import redis
import structlog
from structlog.testing import capture_logs

from onyx.edge import bus


@pytest.mark.parametrize(
    ("trouble", "told"), [(RuntimeError("a defect"), True), (redis.ConnectionError("away"), False)]
)
def test_a_defect_is_logged_with_its_traceback_and_an_outage_in_a_line(app, world, monkeypatch, trouble, told):
    state = app.extensions["onyx"]
    made = bus.Bus(state.store, world.platform.id)
    waits = []

    def interrupted():
        raise trouble

    monkeypatch.setattr(made._stopped, "wait", lambda seconds: waits.append(seconds) or made._stopped.set())
    with capture_logs() as logs:
        monkeypatch.setattr(bus, "_log", structlog.get_logger())
        made._with_app(app, interrupted)
    (line,) = logs
    assert line["event"] == "control bus interrupted" and str(trouble) in line["error"]
    assert (line["exc_info"] is trouble) is told and waits == [0.25]
