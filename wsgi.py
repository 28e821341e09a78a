"""The application that gunicorn serves (gevent workers), and that `flask` commands work on."""

from gevent.monkey import is_module_patched

from onyx.app import create_app, start_background

_serving = is_module_patched("socket")
app = create_app(async_mode="gevent" if _serving else "threading")
if _serving:
    start_background(app)
