"""The product with shorter leases and waits, so that what takes minutes is over in seconds. Nothing
else differs.
"""

from datetime import timedelta

from django.apps import AppConfig


class Sooner(AppConfig):
    name = "tests.chaos"

    def ready(self) -> None:
        from campaigns.dispatch import claiming, seats, watching
        from campaigns.management.commands import worker
        from campaigns.results import polling

        claiming.LEASE = timedelta(seconds=8)
        seats.LEASE, seats.RENEW = timedelta(seconds=3), timedelta(seconds=1)
        polling.CLAIM = timedelta(seconds=8)
        watching.OFTEN = 0.0
        watching.QUIET, watching.SILENT = timedelta(seconds=1), timedelta(seconds=6)
        worker.LOOK, worker.PAUSE = 0.5, 0.2
