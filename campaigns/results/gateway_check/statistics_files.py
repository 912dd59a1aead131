"""Statistics files: whether they work for the account (docs/results.md, "Statistics files").

They are tried with the message of the check. What is found is stored, and decides whether polling
uses them.
"""

from django.utils.translation import gettext as _

from campaigns.dispatch.models import Recipient
from campaigns.gateway.bsg.client import Client
from campaigns.results.gateway_check import steps
from campaigns.results.gateway_check.steps import Step
from campaigns.results.polling.file_trial import try_files
from campaigns.team import accounts


def untried_step() -> Step:
    """The step before there is a message to try files with."""
    return steps.not_tried(steps.FILES, _("They are tried with the message to your phone."))


def check_files(client: Client, recipient: Recipient) -> Step:
    """Try files with the message of `recipient`, which the gateway knows. Takes up to a minute."""
    account = accounts.load().current
    if account is None or not recipient.gateway_id:
        return untried_step()
    outcome = try_files(client, account, recipient.gateway_id)
    seen = {"detail": outcome.detail}
    if outcome.works:
        return steps.passed(steps.FILES, _("They agree with the status: %(detail)s.") % seen)
    if outcome.is_inconclusive:
        text = _("They could not be tried: %(detail)s.") % seen
        return steps.warning(steps.FILES, text, _("Check again later."))
    return steps.warning(
        steps.FILES,
        _("They do not work: %(detail)s.") % seen,
        _("Nothing needs to be done: statuses are asked one by one."),
    )
