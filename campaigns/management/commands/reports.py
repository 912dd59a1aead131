"""`manage.py reports`: a process that takes in delivery reports and nothing else.

The web server takes them too. With this beside it, and the proxy sending the reports here, a flood of them is no
concern of the pages: it runs with the lowest priority, and what it can't take waits, and then is turned away, here.
"""

import os
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand

from campaigns.gateway.delivery_reports import PATH
from campaigns.results.server import asgi

NICE = 15  # of 19: pages and sending come first
CONNECTIONS_MAX = 512  # beyond it: 503, and polling finds what was to be told


class Command(BaseCommand):
    help = f"Takes in delivery reports (addresses under {PATH}) at REPORTS_PORT."

    def handle(self, *args: Any, **options: Any) -> None:
        os.nice(NICE)
        uvicorn.run(
            asgi, host=settings.HOST, port=settings.REPORTS_PORT, lifespan="off", http="httptools", ws="none",
            access_log=False, log_level="warning", limit_concurrency=CONNECTIONS_MAX, server_header=False,
            date_header=False, timeout_graceful_shutdown=5,
        )  # fmt: skip
