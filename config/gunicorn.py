"""How gunicorn serves Onyx: gevent workers, each of which holds thousands of sockets.

Started by `make run` as `gunicorn -c config/gunicorn.py wsgi:app`; behind NGINX set API_HOST, PORT, WEB_PROCESSES.
"""

import os

host = os.environ.get("API_HOST") or "127.0.0.1"
port = os.environ.get("PORT") or os.environ.get("API_PORT") or "8000"

bind = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}"]
workers = int(os.environ.get("WEB_PROCESSES") or 1)
worker_class = "config.worker.Worker"
worker_connections = 4000  # a socket beyond this would hang, and plain requests with it
backlog = 2048
keepalive = 15  # config.worker decides
timeout = 60
graceful_timeout = 5  # open sockets make every stop last as long as this
control_socket_disable = True  # it would lie in $HOME, where two installations meet
http_parser = "auto"  # the C parser where it is installed
accesslog = None  # Onyx keeps its own access log
loglevel = "warning"
forwarded_allow_ips = ""  # TRUSTED_PROXIES decides in the application, not gunicorn
