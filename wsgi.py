"""The application that gunicorn serves (gevent workers), and that `flask` commands work on."""

import gc

gc.disable()  # what is imported stays for ever: looking at it again and again takes a sixth of a start

from gevent.monkey import is_module_patched  # noqa: E402

from onyx.app import create_app, start_background  # noqa: E402

_serving = is_module_patched("socket")
app = create_app(async_mode="gevent" if _serving else "threading")
if _serving:
    start_background(app)
gc.freeze()
gc.enable()
