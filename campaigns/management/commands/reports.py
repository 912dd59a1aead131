"""`manage.py reports`: a process that takes in delivery reports and nothing else.

The web server takes them too. With this beside it, and the proxy sending the reports here, a flood
of them is no concern of the pages: it runs with the lowest priority, and what it can't take waits,
and then is turned away, here.
"""

import asyncio
import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from campaigns.gateway.bsg.delivery_reports import PATH
from campaigns.results.delivery_reports.server import serve

NICE = 15  # of 19: pages and sending come first


class Command(BaseCommand):
    help = f"Takes in delivery reports (addresses under {PATH}) at REPORTS_PORT."

    def handle(self, *args: Any, **options: Any) -> None:
        os.nice(NICE)
        asyncio.run(serve(settings.HOST, settings.REPORTS_PORT))
