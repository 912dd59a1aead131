"""Send again to those who failed: a draft with the same message, to a list of exactly those it did
not reach.

The draft is another campaign, so its references are others and the gateway would not know a second
message from a first one. Whoever is unresolved may have got it: they come along only when a person
says so.
"""

from collections import Counter
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.utils.translation import gettext as _

from campaigns.compose.editor.drafts import copy_of
from campaigns.compose.launch.lifecycle import FINAL, Refused
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import Campaign
from campaigns.contacts.models import Contact, ContactList
from campaigns.dispatch.models import ERASED, DeliveryState, Recipient, SendState, Tally
from campaigns.ledger.models import Purpose
from campaigns.team import audit
from campaigns.team.models import User

NAME_ROOM = 80  # characters of the campaign's name in that of the list


@dataclass(frozen=True, slots=True)
class FailedRecipients:
    """How many people a campaign did not reach. `sms_failed`: neither Viber nor the SMS reached
    them.
    """

    refused: int = 0
    not_delivered: int = 0
    sms_failed: int = 0
    unresolved: int = 0

    @property
    def surely(self) -> int:
        """Those who got nothing for certain."""
        return self.refused + self.not_delivered + self.sms_failed


def failed_recipients(campaign: Campaign) -> FailedRecipients:
    """Whom `campaign` did not reach, from its tally; only failed SMS are counted among the
    people.
    """
    found: Counter[tuple[str, str]] = Counter()
    rows = Tally.objects.filter(campaign=campaign).values_list("send_state", "delivery_state")
    for send_state, delivery_state, people in rows.annotate(Sum("recipients")).order_by():
        found[send_state, delivery_state] += people
    by_state: Counter[str] = Counter()
    for (send_state, _delivery), people in found.items():
        by_state[send_state] += people
    sms = (SendState.ACCEPTED, DeliveryState.FALLBACK)
    return FailedRecipients(
        refused=by_state[SendState.REFUSED],
        not_delivered=found[SendState.ACCEPTED, DeliveryState.NOT_DELIVERED],
        sms_failed=Recipient.objects.filter(_sms_failed(), campaign=campaign).count()
        if found[sms]
        else 0,
        unresolved=by_state[SendState.UNRESOLVED],
    )


def _sms_failed() -> Q:
    """The SMS that went out instead is at its end too, and was not delivered."""
    return Q(send_state=SendState.ACCEPTED, delivery_state=DeliveryState.FALLBACK, final=True)


def _people(campaign: Campaign, unresolved: bool) -> QuerySet[Recipient]:
    chosen = Q(send_state=SendState.REFUSED) | _sms_failed()
    chosen |= Q(send_state=SendState.ACCEPTED, delivery_state=DeliveryState.NOT_DELIVERED)
    if unresolved:
        chosen |= Q(send_state=SendState.UNRESOLVED)
    return Recipient.objects.filter(chosen, campaign=campaign).exclude(msisdn__startswith=ERASED)


@transaction.atomic
def create_resend_draft(
    campaign: Campaign, actor: User | None, unresolved: bool = False
) -> Campaign:
    """A draft that says the same to whom `campaign` did not reach; with `unresolved`, also to whom
    it may have reached.

    Raises Refused while it is under way, and where nobody failed.
    """
    if campaign.purpose == Purpose.REHEARSAL:
        raise Refused(_("A rehearsal reached nobody."))
    if campaign.state not in FINAL:
        raise Refused(_("The campaign is not over yet: some of them may still be reached."))
    people = _people(campaign, unresolved)
    if not people.exists():
        raise Refused(_("It reached everybody whose outcome is known."))
    to = _list_of(campaign, people, actor)
    draft = copy_of(
        campaign, actor, _("%(name)s (again)") % {"name": campaign.name[:90]}, Purpose.CAMPAIGN
    )
    draft.sending_hours, draft.rate = campaign.sending_hours, campaign.rate
    draft.save()
    draft.lists.set([to])
    detail = _("to %(people)d people whom “%(name)s” did not reach")
    audit.record(
        actor, draft, "created", detail % {"people": to.contact_count, "name": campaign.name}
    )
    audit.record(actor, campaign, "again", f"{to.contact_count}")
    return draft


def _list_of(campaign: Campaign, people: QuerySet[Recipient], actor: User | None) -> ContactList:
    """A new list of `people` with the merge fields that were frozen with them."""
    countries = dict(people.order_by().values_list("country").annotate(Count("pk")))
    made = ContactList.objects.create(
        name=_free_name(_("%(name)s: not reached") % {"name": campaign.name[:NAME_ROOM]}),
        fields=sorted(compile_message(campaign).names),
        contact_count=sum(countries.values()),
        countries=countries,
        created_by=actor,
    )
    chosen, params = (
        people.order_by("pk").values("msisdn", "country", "fields").query.sql_with_params()
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Contact._meta.db_table} (list_id, msisdn, country, fields)"  # noqa: S608 - our own names
            f" SELECT {int(made.pk)}, msisdn, country, fields FROM ({chosen}) AS people",
            params,
        )
    return made


def _free_name(name: str) -> str:
    """`name`, with a number where there is such a list already."""
    number, free = 1, name
    while ContactList.objects.filter(name=free).exists():
        number += 1
        free = f"{name} ({number})"
    return free
