"""One phone: the campaigns it was in and why not in others, and all that is held on it as one
document.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from campaigns.compose.models import Campaign
from campaigns.contacts.importing import rejected_rows
from campaigns.contacts.models import Contact, RejectedRow, StopListEntry
from campaigns.dispatch.models import Batch, Recipient
from campaigns.ledger.models import LedgerEntry
from campaigns.reports.campaign.recipients import reason, state_words, viber_price
from campaigns.shared.money import exact


@dataclass(frozen=True, slots=True)
class Story:
    """A campaign and what it meant for one phone. `words`: why they got nothing, or what is known
    of the message.
    """

    campaign: Campaign
    words: str
    message: Recipient | None = None
    attempts: int = 0  # requests that may have reached the gateway
    price: Any = None  # of the Viber message; None is not yet known


def campaigns_of(msisdn: str, everything: bool) -> QuerySet[Campaign]:
    """Launched campaigns that have the phone or whose lists do, the newest first; `everything`: all
    that were launched.

    A query of its own for each way: the phone's few rows are found by their indexes.
    """
    launched = Campaign.objects.exclude(launched_at=None).order_by("-pk")
    if everything:
        return launched
    had = list(Recipient.objects.filter(msisdn=msisdn).values_list("campaign_id", flat=True))
    on = list(Contact.objects.filter(msisdn=msisdn).values_list("list_id", flat=True))
    named = Campaign.lists.through.objects.filter(contactlist_id__in=on).values("campaign_id")
    return launched.filter(Q(pk__in=had) | Q(pk__in=named))


def stories(msisdn: str, campaigns: Iterable[Campaign]) -> list[Story]:
    """What each of `campaigns` meant for the phone."""
    told = list(campaigns)
    messages = {
        one.campaign_id: one for one in Recipient.objects.filter(msisdn=msisdn, campaign__in=told)
    }
    attempts = _attempts(messages.values())
    contacts = {
        one.list_id: one
        for one in Contact.objects.filter(msisdn=msisdn).select_related("list", "source")
    }
    stopped = StopListEntry.objects.filter(msisdn=msisdn).first()
    into, out = (
        _lists(told, through)
        for through in (Campaign.lists.through, Campaign.exclude_lists.through)
    )
    described = _described(told)
    found = []
    for campaign in told:
        on = [contacts[pk] for pk in into.get(campaign.pk, ()) if pk in contacts]
        if message := messages.get(campaign.pk):
            words = " · ".join(filter(None, (reason(message), _repeated(on))))
            found.append(
                Story(campaign, words, message, attempts.get(message.pk, 0), viber_price(message))
            )
        else:
            left_out = [contacts[pk] for pk in out.get(campaign.pk, ()) if pk in contacts]
            found.append(
                Story(campaign, _why_not(campaign, on, left_out, stopped, campaign.pk in described))
            )
    return found


def _lists(campaigns: list[Campaign], through: Any) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for campaign_id, list_id in through.objects.filter(campaign__in=campaigns).values_list(
        "campaign_id", "contactlist_id"
    ):
        found.setdefault(campaign_id, []).append(list_id)
    return found


def _described(campaigns: list[Campaign]) -> set[int]:
    """Those whose people were not chosen by lists alone."""
    chosen = Campaign.objects.filter(pk__in=[one.pk for one in campaigns])
    return set(
        chosen.filter(Q(segments__isnull=False) | Q(earlier__left_out=False)).values_list(
            "pk", flat=True
        )
    )


def _attempts(messages: Iterable[Recipient]) -> dict[int, int]:
    """Recipient -> requests of their batch."""
    told = list(messages)
    wanted = Q(pk__in=[])
    for one in told:
        wanted |= Q(campaign=one.campaign_id, number=one.batch_number)
    sent = {
        (batch.campaign_id, batch.number): batch.attempts for batch in Batch.objects.filter(wanted)
    }
    return {one.pk: sent.get((one.campaign_id, one.batch_number), 0) for one in told}


def _repeated(on: list[Contact]) -> str:
    return _("On %(n)d of its lists, one message.") % {"n": len(on)} if len(on) > 1 else ""


def _why_not(
    campaign: Campaign,
    on: list[Contact],
    out: list[Contact],
    stopped: StopListEntry | None,
    described: bool,
) -> str:
    """Why somebody has no message of a campaign, by what stands in lists and stop list today.

    `described`: segments or earlier campaigns chose people too, and what they asked is not kept.
    """
    if not campaign.frozen_at:
        return _("Its audience is not put together yet.")
    if stopped and stopped.created_at <= campaign.frozen_at:
        return _("On the stop list since %(day)s.") % {
            "day": date_format(localtime(stopped.created_at), "j M Y")
        }
    if not on and not described:
        return _("Not on its lists.")
    if out:
        return _("Left out: on the list “%(name)s”.") % {"name": out[0].list.name}
    came = [one.source.started_at for one in on if one.source and one.source.started_at]
    if came and len(came) == len(on) and min(came) > campaign.frozen_at:
        return _("Came onto the list after the launch.")
    return _("Not in its audience when it was launched.")


def document(msisdn: str) -> dict[str, Any]:
    """All that is held on a phone, for whoever asks what is held on them. Amounts as text,
    exact.
    """
    contacts = (
        Contact.objects.filter(msisdn=msisdn)
        .select_related("list", "source")
        .order_by("list__name")
    )
    stopped = StopListEntry.objects.filter(msisdn=msisdn).first()
    rejected = RejectedRow.objects.filter(
        pk__in=list(rejected_rows.find_with_phone(msisdn))
    ).order_by("pk")
    messages = Recipient.objects.filter(msisdn=msisdn).select_related("campaign").order_by("pk")
    return {
        "phone": f"+{msisdn}",
        "lists": [_held_by_list(one) for one in contacts],
        "stop_list": {"reason": stopped.reason, "since": stopped.created_at} if stopped else None,
        "rejected_rows": [_held_by_import(one) for one in rejected.select_related("source")],
        "messages": [_held_by_campaign(one) for one in messages],
    }


def _held_by_list(contact: Contact) -> dict[str, Any]:
    source = contact.source
    return {
        "list": contact.list.name,
        "country": contact.country,
        "merge_tags": contact.fields,
        "came_with": {"file": source.file_name, "at": source.started_at} if source else None,
    }


def _held_by_import(row: RejectedRow) -> dict[str, Any]:
    return {
        "file": row.source.file_name,
        "row_number": row.row_number,
        "row": row.row,
        "reason": row.reason,
    }


def _held_by_campaign(message: Recipient) -> dict[str, Any]:
    entries = LedgerEntry.objects.filter(recipient=message, kind="charge").order_by("pk")
    viber = viber_price(message)
    return {
        "campaign": message.campaign.name,
        "launched_at": message.campaign.launched_at,
        "text": message.campaign.text,
        "sms_text": message.campaign.sms_text,
        "merge_tags": message.fields,
        "state": state_words(message),
        "reason": reason(message),
        "reference": message.reference,
        "gateway_id": message.gateway_id,
        "sent_at": message.sent_at,
        "delivered_at": message.delivered_at,
        "currency": message.currency,
        "viber_price": None if viber is None else exact(viber),
        "sms_price": None if message.sms_price is None else exact(message.sms_price),
        "charges": [
            {
                "at": one.at,
                "channel": one.channel,
                "amount": None if one.amount is None else exact(one.amount),
            }
            for one in entries
        ],
    }
