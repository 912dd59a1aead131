"""Resend a campaign to its failed recipients: a draft with the same message, and a list of them.

The draft is another campaign with other references, so the gateway would not recognise a second
message. Unresolved recipients may have got the first one: they are included only if a user says so.
"""

from collections import Counter
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.utils.translation import gettext as _

from campaigns.compose.audience.recipient_outcomes import surely_not_delivered
from campaigns.compose.editor.drafts import copy_campaign
from campaigns.compose.launch.lifecycle import FINAL, Refused
from campaigns.compose.message.render import compile_message
from campaigns.compose.message.variants import as_variant
from campaigns.compose.models import Campaign
from campaigns.contacts.models import Contact, ContactList
from campaigns.dispatch.models import ERASED_PREFIX, DeliveryState, Recipient, SendState, Tally
from campaigns.ledger.models import Purpose
from campaigns.team import audit
from campaigns.team.models import User

UNDELIVERED = (DeliveryState.NOT_DELIVERED, DeliveryState.FALLBACK)
NAME_LENGTH = 80  # characters of the campaign's name in the name of the list


@dataclass(frozen=True, slots=True)
class FailedRecipients:
    """How many recipients a campaign did not reach.

    `sms_failed`: neither Viber nor the SMS fallback reached them.
    """

    refused: int = 0
    not_delivered: int = 0
    sms_failed: int = 0
    unresolved: int = 0

    @property
    def certain(self) -> int:
        """How many certainly got nothing."""
        return self.refused + self.not_delivered + self.sms_failed


def failed_recipients(campaign: Campaign) -> FailedRecipients:
    """Count the failed recipients, from the tally where it says enough."""
    by_states: Counter[tuple[str, str]] = Counter()
    rows = Tally.objects.filter(campaign=campaign).values_list("send_state", "delivery_state")
    for send_state, delivery_state, count in rows.annotate(Sum("recipients")).order_by():
        by_states[send_state, delivery_state] += count
    by_send_state: Counter[str] = Counter()
    for (send_state, _delivery), count in by_states.items():
        by_send_state[send_state] += count
    undelivered: dict[str, int] = {}
    if any(by_states[SendState.ACCEPTED, state] for state in UNDELIVERED):
        people = Recipient.objects.filter(surely_not_delivered(), campaign=campaign)
        counts = people.order_by().values_list("delivery_state").annotate(Count("pk"))
        undelivered = dict(counts)
    return FailedRecipients(
        refused=by_send_state[SendState.REFUSED],
        not_delivered=undelivered.get(DeliveryState.NOT_DELIVERED, 0),
        sms_failed=undelivered.get(DeliveryState.FALLBACK, 0),
        unresolved=by_send_state[SendState.UNRESOLVED],
    )


def can_be_resent(unresolved: bool) -> Q:
    """The condition on recipients of an ended campaign whom it did not reach; `unresolved`: or may
    not have reached.
    """
    failed = Q(send_state=SendState.REFUSED) | surely_not_delivered()
    return failed | Q(send_state=SendState.UNRESOLVED) if unresolved else failed


def earlier_resends(campaign: Campaign) -> QuerySet[Campaign]:
    """The resends of `campaign`, the newest first: another one goes to the same recipients."""
    resends = Campaign.objects.filter(rehearsal_of=campaign, purpose=Purpose.CAMPAIGN)
    return resends.select_related("created_by").order_by("-pk")


def _undelivered(campaign: Campaign, unresolved: bool) -> QuerySet[Recipient]:
    return Recipient.objects.filter(can_be_resent(unresolved), campaign=campaign).exclude(
        msisdn__startswith=ERASED_PREFIX
    )


@transaction.atomic
def create_resend_draft(
    campaign: Campaign, actor: User | None, unresolved: bool = False
) -> Campaign:
    """Create a draft with the same message for the failed recipients of `campaign`.

    `unresolved`: also for recipients who may have got it. Raises Refused for a rehearsal, for a
    campaign that is not over, and if there are no such recipients.
    """
    if campaign.purpose == Purpose.REHEARSAL:
        raise Refused(_("A rehearsal can't be resent: it was sent to nobody."))
    if campaign.state not in FINAL:
        raise Refused(_("The campaign is not over yet. Wait until it is finished or cancelled."))
    recipients = _undelivered(campaign, unresolved)
    if not recipients.exists():
        raise Refused(_("There are no failed recipients to resend to."))
    contacts = _create_list(campaign, recipients, actor)
    # of a test that was decided, the message that won
    message = as_variant(campaign, campaign.winner) if campaign.winner else campaign
    draft = copy_campaign(
        message, actor, _("%(name)s (resend)") % {"name": campaign.name[:90]}, Purpose.CAMPAIGN
    )
    draft.rehearsal_of = campaign
    draft.save()
    draft.lists.set([contacts])
    detail = _("resend of “%(name)s” to %(count)d recipients")
    audit.record(
        actor, draft, "created", detail % {"count": contacts.contact_count, "name": campaign.name}
    )
    audit.record(actor, campaign, "again", f"{contacts.contact_count}")
    return draft


def _create_list(
    campaign: Campaign, recipients: QuerySet[Recipient], actor: User | None
) -> ContactList:
    """Create a list of `recipients`, with the merge fields they had at the launch."""
    countries = dict(recipients.order_by().values_list("country").annotate(Count("pk")))
    contacts = ContactList.objects.create(
        name=_free_name(_("%(name)s: not reached") % {"name": campaign.name[:NAME_LENGTH]}),
        fields=sorted(compile_message(campaign).names),
        contact_count=sum(countries.values()),
        countries=countries,
        created_by=actor,
    )
    rows_sql, params = (
        recipients.order_by("pk").values("msisdn", "country", "fields").query.sql_with_params()
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Contact._meta.db_table} (list_id, msisdn, country, fields)"  # noqa: S608 - our own names
            f" SELECT {int(contacts.pk)}, msisdn, country, fields FROM ({rows_sql}) AS people",
            params,
        )
    return contacts


def _free_name(name: str) -> str:
    """`name`, followed by a number if there is a list of that name."""
    number, candidate = 1, name
    while ContactList.objects.filter(name=candidate).exists():
        number += 1
        candidate = f"{name} ({number})"
    return candidate
