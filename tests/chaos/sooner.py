"""The product with shorter leases and waits, so that what takes minutes is over in seconds. Nothing
else differs.
"""

from datetime import timedelta

from django.apps import AppConfig


class Sooner(AppConfig):
    name = "tests.chaos"

    def ready(self) -> None:
        from campaigns.dispatch.send import leases
        from campaigns.dispatch.workers import health, slots
        from campaigns.management.commands import worker
        from campaigns.results.polling import due_batches

        leases.LEASE = timedelta(seconds=8)
        slots.LEASE, slots.RENEW_INTERVAL = timedelta(seconds=3), timedelta(seconds=1)
        due_batches.CLAIM_TIME = timedelta(seconds=8)
        health.SIGN_INTERVAL = 0.0
        health.QUIET_AFTER, health.STALLED_AFTER = timedelta(seconds=1), timedelta(seconds=6)
        worker.CHECK_INTERVAL, worker.RESTART_DELAY = 0.5, 0.2
