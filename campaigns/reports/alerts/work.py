"""What is wrong with campaigns, queue, sweep, gateway, mail, webhooks and audit trail; safe mode.

Each function is a statement or a few, that take no longer with more recipients.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from campaigns.compose.models import Campaign, CampaignState
from campaigns.contacts.phones.masking import mask_phones_in
from campaigns.dispatch.models import Heartbeat
from campaigns.dispatch.sweep import PROCESS
from campaigns.dispatch.workers.health import QUEUE, STALLED_AFTER
from campaigns.events.models import Webhook
from campaigns.events.pausing import host_of
from campaigns.gateway.key_in_use import key_in_use
from campaigns.ledger.models import Purpose
from campaigns.reports.alerts.findings import Finding
from campaigns.reports.installation.status import SHOWN_FOR, SWEEP_LATE_AFTER
from campaigns.reports.shared.partial_indexes import SqlLiteral
from campaigns.reports.statuses.gateway_state import load_gateway_state
from campaigns.team import accounts
from campaigns.team.alerts.models import AlertPost, PostState
from campaigns.team.models import AuditProgress, Installation, MailState, OutgoingMail

BY_PEOPLE = ("by_person", "approval")  # an approver is asked by an e-mail of its own
CAMPAIGNS_MAX = 1_000
WEBHOOK_FAILS_AFTER = timedelta(minutes=30)
MANY_TRIES = 3  # that failed: it is not the one message
TO_BE_SENT = Q(state__in=(CampaignState.PREPARING, CampaignState.SENDING)) | Q(
    state=CampaignState.PAUSED, reason="gateway_trouble"
)


def paused_campaigns(_now: datetime) -> list[Finding]:
    """Campaigns that ViberDash paused."""
    paused = Campaign.objects.filter(state=CampaignState.PAUSED, purpose=Purpose.CAMPAIGN)
    columns = paused.exclude(reason__in=BY_PEOPLE).order_by("pk")
    return [
        Finding(
            f"campaign:{pk}",
            {"campaign": pk, "name": mask_phones_in(name), "reason": reason},
            brand_id,
        )
        for pk, name, reason, brand_id in columns.values_list("pk", "name", "reason", "brand_id")[
            :CAMPAIGNS_MAX
        ]
    ]


def standing_queue(now: datetime) -> list[Finding]:
    """No queue of any machine works."""
    newest = Heartbeat.objects.filter(name__startswith=QUEUE).order_by("-at")
    at = newest.values_list("at", flat=True).first()
    if at and at > now - STALLED_AFTER:
        return []
    return [Finding(detail={"seen_at": _iso(at)})]


def standing_machines(now: datetime) -> list[Finding]:
    """The queue of a machine does not work, while that of another does."""
    queues = Heartbeat.objects.filter(name__startswith=QUEUE, at__gt=now - SHOWN_FOR)
    seen = dict(queues.values_list("name", "at"))
    late = {
        name.removeprefix(QUEUE): _iso(at) for name, at in seen.items() if at <= now - STALLED_AFTER
    }
    if len(late) == len(seen):
        return []
    return [
        Finding(name, {"machine": name, "seen_at": seen_at})
        for name, seen_at in sorted(late.items())
    ]


def standing_sweep(now: datetime) -> list[Finding]:
    """Nothing sweeps, or only the queue does, which may stand itself."""
    seen = dict(Heartbeat.objects.filter(name__in=("sweep", PROCESS)).values_list("name", "at"))
    at = min((seen[name] for name in ("sweep", PROCESS) if name in seen), default=None)
    if len(seen) == 2 and at and at > now - SWEEP_LATE_AFTER:
        return []
    return [Finding(detail={"seen_at": _iso(at) if len(seen) == 2 else ""})]


def silent_gateway(now: datetime) -> list[Finding]:
    """The gateway does not answer, or refuses the key in use, while a campaign is to be sent."""
    real = Campaign.objects.exclude(purpose=Purpose.REHEARSAL)
    if not real.filter(TO_BE_SENT, key_in_use().of_its_brands()).exists():
        return []
    state = load_gateway_state(now)
    return [Finding(detail={"seen_at": _iso(state.last_answer)})] if state.answers is False else []


def unknown_key(_now: datetime) -> list[Finding]:
    """An administrator has to say whose key is in use."""
    return [Finding()] if accounts.cached().is_new_key else []


def undelivered_mail(_now: datetime) -> list[Finding]:
    """The mail server does not take what is tried again and again."""
    waiting = OutgoingMail.objects.filter(state=SqlLiteral(MailState.WAITING.value))
    return [Finding()] if waiting.filter(tries__gte=MANY_TRIES).exists() else []


def undelivered_posts(_now: datetime) -> list[Finding]:
    """ALERT_WEBHOOK_URL does not take the newest of what was tried."""
    if not settings.ALERT_WEBHOOK_URL:
        return []
    newest = AlertPost.objects.exclude(tries=0).order_by("-pk").first()
    is_wrong = newest is not None and (
        newest.state == PostState.FAILED
        or (newest.state == PostState.WAITING and newest.tries >= MANY_TRIES)
    )
    return [Finding()] if is_wrong else []


def damaged_trail(_now: datetime) -> list[Finding]:
    """The last `manage.py verify_audit` found something."""
    findings = AuditProgress.objects.filter(findings__gt=0).values_list("findings", flat=True)
    return [Finding(detail={"findings": number}) for number in findings[:1]]


def safe_mode(_now: datetime) -> list[Finding]:
    """The database was restored, and nobody has confirmed."""
    restored = Installation.objects.filter(safe_since__isnull=False)
    return [Finding(detail={"since": _iso(row.safe_since)}) for row in restored[:1]]


def _iso(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""


def failing_webhooks(now: datetime) -> list[Finding]:
    """Webhooks that take nothing, or are paused as they took nothing for days."""
    failing = Q(paused_at__isnull=False) | Q(failing_since__lte=now - WEBHOOK_FAILS_AFTER)
    rows = Webhook._base_manager.filter(failing, is_on=True).order_by("pk")
    return [
        Finding(
            f"webhook:{webhook.pk}",
            {
                "webhook": webhook.pk,
                "host": host_of(webhook),
                "paused": int(bool(webhook.paused_at)),
            },
            webhook.brand_id,
        )
        for webhook in rows[:CAMPAIGNS_MAX]
    ]
