"""The message to one's own phone: sent as any test send, and followed by the ordinary polling."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.compose.editor import test_send
from campaigns.compose.launch import pause_reasons
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.library import senders
from campaigns.compose.models import Campaign, CampaignState, Sender
from campaigns.dispatch.evidence import TEST_ANSWER
from campaigns.dispatch.freeze.recipients import reference_of
from campaigns.dispatch.models import DeliveryState, Evidence, Recipient, SendState
from campaigns.dispatch.workers import health
from campaigns.gateway.bsg.client import Client
from campaigns.gateway.errors import GatewayError, error_meaning
from campaigns.gateway.statuses import status_meaning
from campaigns.gateway.types import MessageStatus
from campaigns.results import campaign_status
from campaigns.results.gateway_check import steps
from campaigns.results.gateway_check.account import attempt, money
from campaigns.results.gateway_check.samples import SEND, Sample, make_sample
from campaigns.results.gateway_check.steps import Step
from campaigns.results.models import GatewayCheck
from campaigns.team import audit
from campaigns.team.models import User

FOLLOWED_FOR = timedelta(minutes=30)  # after the launch; then what has not come does not count
# after it is known that the message has arrived: for its report, and for it to be read
REPORTED_WITHIN, READ_WITHIN = timedelta(minutes=2), timedelta(minutes=3)
NOT_REGISTERED = 45
UNREGISTERED = pause_reasons.error_reason_key(NOT_REGISTERED)
D = DeliveryState
ARRIVED = {D.DELIVERED, D.READ, D.FALLBACK_DELIVERED}
STAGES = {  # after "accepted"
    D.SENT: [D.SENT],
    D.DELIVERED: [D.SENT, D.DELIVERED],
    D.READ: [D.SENT, D.DELIVERED, D.READ],
    D.NOT_DELIVERED: [D.NOT_DELIVERED],
    D.FALLBACK: [D.NOT_DELIVERED, D.FALLBACK],
    D.FALLBACK_DELIVERED: [D.NOT_DELIVERED, D.FALLBACK_DELIVERED],
}


@transaction.atomic
def launch(check: GatewayCheck, message: Campaign, msisdn: str, actor: User | None) -> None:
    """Send `message` to the phone as the message of `check`. Raises Refused: nothing is sent."""
    name = message.sender.name if message.sender else ""
    message.sender = Sender.objects.filter(name=name).first()
    if message.sender is None:
        raise Refused(senders.unknown_text(name))
    campaign = test_send.send_message(message, [f"+{msisdn}"], actor)
    check.campaign, check.reference = campaign, reference_of(campaign.uuid, msisdn)
    check.ended_at = None
    check.save(update_fields=["campaign", "reference", "ended_at"])
    audit.record(actor, check, "sent a message", f"campaign:{campaign.pk}")


def recipient_of(check: GatewayCheck) -> Recipient | None:
    """The recipient of the message; None until the campaign is prepared."""
    return Recipient.objects.filter(campaign=check.campaign_id).first()


def has_ended(check: GatewayCheck, recipient: Recipient | None) -> bool:
    """Whether the message has arrived or will not arrive any more."""
    if check.campaign is None or check.campaign.state == CampaignState.CANCELLED:
        return True
    if recipient is None or recipient.send_state == SendState.QUEUED:
        return False
    if recipient.send_state != SendState.ACCEPTED:
        return True
    return recipient.final or recipient.delivery_state in ARRIVED


def is_to_be_asked(check: GatewayCheck, recipient: Recipient) -> bool:
    """Whether the time has come to ask for the status by id and by reference."""
    has_come = was_accepted(recipient) and has_ended(check, recipient)
    return check.asked_at is None and has_come


def is_over(check: GatewayCheck, recipient: Recipient | None, now: datetime) -> bool:
    """Whether nothing more is waited for."""
    if check.campaign is None or now > check.started_at + FOLLOWED_FOR:
        return True
    if not has_ended(check, recipient):
        return False
    if recipient is None or not was_accepted(recipient):
        return True
    if check.asked_at is None:
        return False
    waits_for_report = bool(settings.PUBLIC_BASE_URL) and not check.reported_at
    if waits_for_report and now < check.asked_at + REPORTED_WITHIN:
        return False
    return recipient.final or now >= check.asked_at + READ_WITHIN


def message_step(check: GatewayCheck, recipient: Recipient | None) -> Step:
    """How far the message has come."""
    campaign = check.campaign
    assert campaign is not None
    if campaign.state == CampaignState.PAUSED:
        text = pause_reasons.reason_text(campaign) or _("The test send is paused.")
        return steps.failed(
            steps.MESSAGE, text, _("The page of the test send has the button Resume.")
        )
    if campaign.state == CampaignState.CANCELLED:
        return steps.failed(steps.MESSAGE, _("The test send was cancelled."))
    if campaign.state == CampaignState.AWAITING_APPROVAL:
        step = steps.warning if check.ended_at else steps.running
        return step(steps.MESSAGE, _("It waits for approval by a second person."))
    if recipient is None or recipient.send_state == SendState.QUEUED:
        return _waiting_step(check)
    if recipient.send_state == SendState.REFUSED:
        meaning = error_meaning(recipient.error_code or 0)
        return steps.failed(steps.MESSAGE, str(meaning.sentence), str(meaning.next_step))
    if recipient.send_state != SendState.ACCEPTED:
        return steps.warning(
            steps.MESSAGE,
            _("It is not known whether BSG accepted the message."),
            _("Ask BSG about the reference, which the recipients' export has."),
        )
    return _accepted_step(check, campaign, recipient)


def sender_steps(check: GatewayCheck, recipient: Recipient | None) -> list[Step]:
    """The sender step, once a send has proved that it is registered or that it is not."""
    if was_accepted(recipient):
        text = _("BSG accepted a message from “%(sender)s”.") % {"sender": check.sender}
        return [steps.passed(steps.SENDER, text)]
    if check.campaign and check.campaign.reason == UNREGISTERED:
        meaning = error_meaning(NOT_REGISTERED)
        return [steps.failed(steps.SENDER, str(meaning.sentence), steps.next_step(NOT_REGISTERED))]
    return []


def _waiting_step(check: GatewayCheck) -> Step:
    if check.ended_at:
        return steps.failed(
            steps.MESSAGE,
            _("It was not sent within 30 minutes."),
            _("Check that a worker is running: manage.py worker."),
        )
    if not health.is_any_alive():
        return steps.running(
            steps.MESSAGE,
            _("It waits for a worker, and none is running."),
            _("Start one: manage.py worker."),
        )
    return steps.running(steps.MESSAGE, _("It is about to be sent."))


def _accepted_step(check: GatewayCheck, campaign: Campaign, recipient: Recipient) -> Step:
    state = D(recipient.delivery_state)
    stages = [str(SendState.ACCEPTED.label), *(str(D(s).label) for s in STAGES.get(state, []))]
    text = " → ".join(stages) + ". " + _cost_text(campaign)
    meaning = status_meaning(recipient.status)
    if state in (D.DELIVERED, D.READ):
        has_image = _("Open it on your phone: it has an image.") if campaign.image else ""
        return steps.passed(steps.MESSAGE, text, has_image)
    if state in (D.FALLBACK, D.FALLBACK_DELIVERED, D.NOT_DELIVERED):
        text += " " + _("Viber: %(reason)s.") % {"reason": meaning.label}
        arrived = state == D.FALLBACK_DELIVERED
        if arrived or (state == D.FALLBACK and not check.ended_at):
            step = steps.passed if arrived else steps.running
            return step(steps.MESSAGE, text)
        return steps.failed(steps.MESSAGE, text, str(meaning.next_step))
    if check.ended_at:
        return steps.warning(
            steps.MESSAGE,
            text + " " + _("It has not arrived within 30 minutes."),
            _("Check that the phone is on and has Viber. The campaign's page shows what follows."),
        )
    return steps.running(steps.MESSAGE, text)


def _cost_text(campaign: Campaign) -> str:
    costs = campaign_status.spend(campaign)
    if not costs:
        return _("The price is not known yet.")
    amounts = " + ".join(money(cost["total"], currency) for currency, cost in costs.items())
    return _("Charged: %(amount)s.") % {"amount": amounts}


def reports_step(check: GatewayCheck, recipient: Recipient | None) -> Step:
    """Whether a delivery report came for the message."""
    if check.reported_at:
        return steps.passed(
            steps.REPORTS,
            _("A report for the message came %(n)d seconds after the check began.")
            % {"n": (check.reported_at - check.started_at).total_seconds()},
        )
    if not settings.PUBLIC_BASE_URL:
        return steps.warning(
            steps.REPORTS,
            _("PUBLIC_BASE_URL is not set, so BSG is not asked for reports."),
            _("Statuses are asked for all the same; with reports they come sooner."),
        )
    if check.ended_at is None:
        return steps.running(steps.REPORTS, _("No report has come so far."))
    if not was_accepted(recipient):
        return steps.not_tried(steps.REPORTS, _("The message was not accepted."))
    return steps.warning(
        steps.REPORTS,
        _("No report came for the message."),
        _(
            "Check that the proxy passes /delivery-reports/ on, and ask BSG whether reports are"
            " switched on. Statuses are asked for all the same."
        ),
    )


def was_accepted(recipient: Recipient | None) -> bool:
    """Whether BSG took the message."""
    return recipient is not None and recipient.send_state == SendState.ACCEPTED


def unasked_status_step(check: GatewayCheck, recipient: Recipient | None) -> Step:
    """The status step while the status was not asked for."""
    if check.ended_at or (has_ended(check, recipient) and not was_accepted(recipient)):
        return steps.not_tried(steps.STATUS, _("The message has not arrived."))
    return steps.running(steps.STATUS, _("ViberDash asks for it once the message has arrived."))


def status_step(client: Client, recipient: Recipient) -> Step:
    """Ask for the status by id and by reference, and say what came."""
    by_id = attempt(lambda: client.status_by_id(recipient.gateway_id))
    by_reference = attempt(
        lambda: client.status_by_reference(recipient.reference, recipient.msisdn)
    )
    texts = [
        _("By id: %(answer)s.") % {"answer": _answer_text(by_id)},
        _("By reference: %(answer)s.") % {"answer": _answer_text(by_reference)},
    ]
    text = " ".join(texts)
    if not isinstance(by_reference, MessageStatus):
        return steps.failed(
            steps.STATUS,
            text,
            _("ViberDash follows messages by their reference. Send the samples to BSG."),
        )
    if not isinstance(by_id, MessageStatus):
        return steps.warning(steps.STATUS, text, _("Send the samples to BSG."))
    return steps.passed(steps.STATUS, text)


def _answer_text(answer: MessageStatus | GatewayError | None) -> str:
    if isinstance(answer, GatewayError):
        return answer.why
    if answer is None:
        return _("not found")
    return f"“{status_meaning(answer.status).label}”"


def send_samples(check: GatewayCheck) -> list[Sample]:
    """The answer to the send of the message, as a sample; the newest one, if it was sent again."""
    answers = Evidence.objects.filter(campaign=check.campaign_id, what=TEST_ANSWER)
    answer = answers.order_by("pk").last()
    return [make_sample(SEND, answer.http_status, answer.body)] if answer else []
