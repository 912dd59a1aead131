"""`manage.py sweep`: repair what was interrupted, start what is due, wake the workers.

The queue's schedule does the same; this command does it when the queue does not work.
"""

import logging
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import Error, connection

from campaigns.contacts.tasks import resume_stalled
from campaigns.dispatch.sweep import PROCESS, sweep
from campaigns.dispatch.workers.slots import record_heartbeat
from campaigns.reports.alerts.watch import watch as watch_for_alerts
from campaigns.results.tasks import wake as wake_results
from campaigns.team import safe_mode
from campaigns.team.audit.job import follow as follow_audit
from campaigns.team.mail_delivery import deliver_due

logger = logging.getLogger(__name__)
# so that a slow server does not hold up the next sweep
MAIL_SECONDS = 10.0
AUDIT_SECONDS = 5.0
POST_SECONDS = 5.0


class Command(BaseCommand):
    help = "Repairs interrupted work, starts campaigns that are due, and wakes the workers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--every", type=int, metavar="SECONDS", help="repeat for ever, every so many seconds"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["every"]:
            self.sweep()
            if notice := safe_mode.notice():
                self.stderr.write(notice)
            return
        while True:
            try:
                record_heartbeat(PROCESS)
                self.sweep()
            except Error as error:  # the next sweep finds what this one missed
                self.stderr.write(f"The database is unavailable: {error}")
                connection.close()
            except Exception:  # this loop must not end: it is what repairs everything else
                logger.exception("A sweep failed")
            time.sleep(options["every"])

    @staticmethod
    def sweep() -> None:
        sweep()
        wake_results()
        resume_stalled()
        deliver_due(MAIL_SECONDS)
        follow_audit(AUDIT_SECONDS)
        watch_for_alerts(POST_SECONDS)
