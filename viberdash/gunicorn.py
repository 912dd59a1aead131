"""How the web server runs: `gunicorn --config viberdash/gunicorn.py viberdash.wsgi`, from the
project's folder.
"""

import gc
import os
import shutil
import tempfile
from typing import Any

from django.conf import settings
from prometheus_client import values

from viberdash import warm_up
from viberdash.environment import load_settings
from viberdash.private_files import OTHERS

load_settings()
# before the application makes its counters
counts = tempfile.mkdtemp(prefix="viberdash-metrics-")
os.environ["PROMETHEUS_MULTIPROC_DIR"] = counts
# where `manage.py run` forked this process, it was imported before
values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]

bind = f"{settings.HOST}:{settings.PORT}"
workers = settings.WEB_WORKERS
worker_class = "viberdash.web_worker.BufferingWorker"
threads = settings.WEB_THREADS
preload_app = True  # read once, then forked: a faster start and less memory
timeout = 60  # seconds a worker may be silent
graceful_timeout = 20  # seconds for requests under way when it ends
control_socket_disable = True
umask = OTHERS
loglevel = "warning"


def on_starting(server: Any) -> None:
    warm_up.answer_first_page()
    gc.collect()
    gc.freeze()


def when_ready(server: Any) -> None:
    print(
        f"ViberDash is ready: {settings.PUBLIC_BASE_URL or f'http://localhost:{settings.PORT}'}",
        flush=True,
    )


def on_exit(server: Any) -> None:
    shutil.rmtree(counts, ignore_errors=True)
