"""One phone: the campaigns it was in, why it was not in others, and everything stored about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from campaigns.compose.models import Campaign
from campaigns.contacts.consent import history
from campaigns.contacts.importing import rejected_rows
from campaigns.contacts.lists.models import StopProposal
from campaigns.contacts.models import Contact, Person, RejectedRow, StopListEntry
from campaigns.contacts.people.person import topics_of
from campaigns.contacts.people.person_ids import id_of
from campaigns.dispatch.models import Recipient
from campaigns.dispatch.people import phone_columns
from campaigns.dispatch.people.phone_texts import PhoneText
from campaigns.engagement.models import Click, Conversion
from campaigns.ledger.models import LedgerEntry
from campaigns.reports.campaign.message_rows import MessageRow, load_rows
from campaigns.reports.campaign.recipients import (
    reason_text,
    sms_currency,
    state_label,
    viber_price,
)
from campaigns.reports.shared.opt_outs import load_opted_out
from campaigns.shared.money import exact
from campaigns.team.audit import record
from campaigns.team.models import User


@dataclass(frozen=True, slots=True)
class ContactCampaign:
    """A campaign, and what one phone got of it.

    `reason`: why nothing was sent, or what is known about the message. `attempts`: requests that
    may have reached the gateway.
    """

    campaign: Campaign
    reason: str
    row: MessageRow | None = None
    attempts: int = 0


def campaigns_of_phone(msisdn: str, all_campaigns: bool) -> QuerySet[Campaign]:
    """Return the launched campaigns that have the phone or whose lists do, the newest first.

    With `all_campaigns`, every launched campaign. A query of its own for each of the two ways, so
    that the phone's few rows are found by their indexes.
    """
    launched = Campaign.objects.exclude(launched_at=None).order_by("-pk")
    if all_campaigns:
        return launched
    campaign_ids = list(Recipient.objects.filter(msisdn=msisdn).values_list("campaign", flat=True))
    list_ids = list(Contact.objects.filter(msisdn=msisdn).values_list("list_id", flat=True))
    by_list = Campaign.lists.through.objects.filter(contactlist_id__in=list_ids)
    return launched.filter(Q(pk__in=campaign_ids) | Q(pk__in=by_list.values("campaign_id")))


def load_contact_campaigns(msisdn: str, campaigns: Iterable[Campaign]) -> list[ContactCampaign]:
    """Return what the phone got of each of `campaigns`, by a fixed number of queries."""
    shown = list(campaigns)
    messages = Recipient.objects.filter(msisdn=msisdn, campaign__in=shown)
    message_rows = {row.message.campaign_id: row for row in load_rows(list(messages), shown)}
    absences = _Absences(msisdn, shown)
    rows = []
    for campaign in shown:
        on_lists = absences.contacts_on(absences.lists, campaign)
        if row := message_rows.get(campaign.pk):
            reason = " · ".join(filter(None, (row.reason, _several_lists(on_lists))))
            attempts = row.batch.attempts if row.batch else 0
            rows.append(ContactCampaign(campaign, reason, row, attempts))
        else:
            rows.append(ContactCampaign(campaign, absences.reason(campaign)))
    return rows


class _Absences:
    """Why a phone has no message of a campaign, judged by today's lists and stop list."""

    def __init__(self, msisdn: str, campaigns: list[Campaign]) -> None:
        contacts = Contact.objects.filter(msisdn=msisdn).select_related("list", "source")
        self.contacts = {contact.list_id: contact for contact in contacts}
        self.stop_entry = StopListEntry.objects.filter(msisdn=msisdn).first()
        self.lists = _load_list_ids(campaigns, Campaign.lists.through)
        self.excluded_lists = _load_list_ids(campaigns, Campaign.exclude_lists.through)
        # campaigns that segments or earlier campaigns chose recipients for too; what those
        # conditions found then is not stored
        chosen = Campaign.objects.filter(pk__in=[campaign.pk for campaign in campaigns])
        by_conditions = Q(segments__isnull=False) | Q(earlier__left_out=False)
        self.with_conditions = set(chosen.filter(by_conditions).values_list("pk", flat=True))

    def contacts_on(self, lists: dict[int, list[int]], campaign: Campaign) -> list[Contact]:
        """Return the contacts with the phone on those lists of the campaign."""
        list_ids = lists.get(campaign.pk, ())
        return [self.contacts[pk] for pk in list_ids if pk in self.contacts]

    def reason(self, campaign: Campaign) -> str:
        if not campaign.frozen_at:
            return _("The audience is not fixed yet.")
        stopped = self.stop_entry
        if stopped and stopped.created_at <= campaign.frozen_at:
            return _("On the stop list since %(day)s.") % {
                "day": date_format(localtime(stopped.created_at), "j M Y")
            }
        contacts = self.contacts_on(self.lists, campaign)
        if not contacts and campaign.pk not in self.with_conditions:
            return _("Not on its lists.")
        if excluded := self.contacts_on(self.excluded_lists, campaign):
            return _("Excluded by the list “%(name)s”.") % {"name": excluded[0].list.name}
        added = [
            contact.source.started_at
            for contact in contacts
            if contact.source and contact.source.started_at
        ]
        if added and len(added) == len(contacts) and min(added) > campaign.frozen_at:
            return _("Added to the list after the launch.")
        return _("Not in the audience at the launch.")


def _load_list_ids(campaigns: list[Campaign], through: Any) -> dict[int, list[int]]:
    """Return the lists of each campaign, by its id."""
    list_ids: dict[int, list[int]] = {}
    rows = through.objects.filter(campaign__in=campaigns)
    for campaign_id, list_id in rows.values_list("campaign_id", "contactlist_id"):
        list_ids.setdefault(campaign_id, []).append(list_id)
    return list_ids


def _several_lists(contacts: list[Contact]) -> str:
    if len(contacts) < 2:
        return ""
    return _("On %(number)d of its lists; one message.") % {"number": len(contacts)}


def export_data(msisdn: str, actor: User) -> dict[str, Any]:
    """Return `held_data`, for `actor`; the audit trail says who got it, without the phone."""
    held = held_data(msisdn)
    numbers = {"lists": len(held["lists"]), "messages": len(held["messages"])}
    detail = _("Lists: %(lists)d, messages: %(messages)d") % numbers
    record(actor, f"person:{id_of(msisdn)}", "exported", detail)
    return held


def held_data(msisdn: str) -> dict[str, Any]:
    """Return everything stored about a phone, for a person's request; amounts as exact text."""
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
        "person": _person_data(Person.objects.filter(msisdn=msisdn).first()),
        "lists": [_contact_data(contact) for contact in contacts],
        "stop_list": {"reason": stopped.reason, "since": stopped.created_at} if stopped else None,
        "stop_list_proposals": [
            {"failures": row.failures, "last": row.last_at, "dismissed": not row.is_open}
            for row in StopProposal.objects.filter(msisdn=msisdn)
        ],
        "rejected_rows": [_rejected_row_data(row) for row in rejected.select_related("source")],
        "messages": [_message_data(message) for message in messages],
        # where the phone stands in other texts, without what these say about others
        "mentions": phone_columns.count_mentions(PhoneText(msisdn)),
    }


def _person_data(person: Person | None) -> dict[str, Any] | None:
    if person is None:
        return None
    return {
        "consent": person.consent,
        "consent_date": person.consent_on,
        "consent_source": person.consent_source,
        "consent_wording": person.consent_wording.text if person.consent_wording else "",
        "consent_history": [history.record_data(row) for row in history.records_of(person)],
        "language": person.language,
        "wanted_topics": topics_of(person, wanted=True),
        "unwanted_topics": topics_of(person, wanted=False),
        "notes": person.notes,
        "changed_at": person.updated_at,
    }


def _contact_data(contact: Contact) -> dict[str, Any]:
    source = contact.source
    return {
        "list": contact.list.name,
        "country": contact.country,
        "merge_tags": contact.fields,
        "source": {"file": source.file_name, "at": source.started_at} if source else None,
    }


def _rejected_row_data(row: RejectedRow) -> dict[str, Any]:
    return {
        "file": row.source.file_name,
        "row_number": row.row_number,
        "row": row.row,
        "reason": row.reason,
    }


def _message_data(message: Recipient) -> dict[str, Any]:
    charges = LedgerEntry.objects.filter(recipient=message, kind="charge").order_by("pk")
    return {
        "campaign": message.campaign.name,
        "launched_at": message.campaign.launched_at,
        "text": message.campaign.text,
        "sms_text": message.campaign.sms_text,
        "merge_tags": message.fields,
        "state": state_label(message),
        "reason": reason_text(message),
        "reference": message.reference,
        "gateway_id": message.gateway_id,
        "sent_at": message.sent_at,
        "delivered_at": message.delivered_at,
        "currency": message.currency,
        "viber_price": _exact_or_none(viber_price(message)),
        "sms_price": _exact_or_none(message.sms_price),
        "sms_currency": sms_currency(message),
        "clicks": [
            {"at": click.at, "link": click.number, "device": click.device, "system": click.system}
            for click in Click.objects.filter(recipient=message, machine="").order_by("at")
        ],
        "conversions": [
            {
                "at": made.at,
                "link": made.number,
                "id": made.conversion_id,
                "value": _exact_or_none(made.value),
                "currency": made.currency,
            }
            for made in Conversion.objects.filter(recipient=message).order_by("at")
        ],
        "opted_out_at": load_opted_out([message.pk]).get(message.pk),
        "charges": [
            {"at": entry.at, "channel": entry.channel, "amount": _exact_or_none(entry.amount)}
            for entry in charges
        ],
    }


def _exact_or_none(amount: Decimal | None) -> str | None:
    return None if amount is None else exact(amount)
