"""What users set about the sign-up page of a list, and why a page is closed."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import F, Sum
from django.utils.translation import gettext as _

from campaigns.compose.launch.funds_check import budget_currency
from campaigns.compose.message.merge_tags import tags_named
from campaigns.compose.message.render import compile_message
from campaigns.compose.message.tracking.short_links import link_base
from campaigns.compose.message.tracking.tracked_links import PageTag
from campaigns.compose.models import Campaign, Trigger, TriggerState
from campaigns.contacts.consent import wordings
from campaigns.contacts.lists import contact_lists
from campaigns.contacts.lists.public_lists import offer_of
from campaigns.contacts.models import ContactList
from campaigns.engagement.sign_up.models import SignUpDay, SignUpPage
from campaigns.shared.days import site_today
from campaigns.team.audit import record
from campaigns.team.models import User

PATH = "/s/"  # of sign-up pages, on each host
DAYS_SHOWN = 30
A_DAY = 3  # requests for one phone within 24 hours, to all lists of all brands


@dataclass(frozen=True, slots=True)
class Terms:
    """What a user sets: whether people can sign up, what they agree to, and what sends the message
    that asks to confirm.
    """

    is_on: bool
    wording: str
    trigger: Trigger | None


def page_of(contact_list: ContactList) -> SignUpPage | None:
    """The sign-up page of a list; None if nobody has set it up yet."""
    rows = SignUpPage.objects.select_related("list__public", "wording", "trigger__draft")
    return rows.filter(list=contact_list).first()


@transaction.atomic
def set_terms(contact_list: ContactList, terms: Terms, actor: User | None) -> SignUpPage:
    """Set up the page of a list, or change it. Raises ContactsError if the list was deleted."""
    locked_list = contact_lists.lock(contact_list)
    wording = wordings.store(terms.wording, locked_list)
    if wording is None:
        raise ValueError("a sign-up page without a wording")
    columns = {"is_on": terms.is_on, "wording": wording, "trigger": terms.trigger}
    page, _is_new = SignUpPage.objects.update_or_create(list=locked_list, defaults=columns)
    event = terms.trigger.event if terms.trigger else "none"
    state = "on" if terms.is_on else "off"
    record(actor, locked_list, "sign-up set", f"{state}; trigger {event}; wording {wording.pk}")
    return page


def address_of(page: SignUpPage) -> str:
    """The public address of a page; "" if the site has none that phones can open."""
    base = settings.LINK_BASE_URL or settings.PUBLIC_BASE_URL
    return f"{base}{PATH}{page.code}" if link_base() else ""


def is_open(page: SignUpPage) -> bool:
    """Whether requests are taken now."""
    return page.is_on and not problems(page)


def problems(page: SignUpPage) -> list[str]:
    """What keeps a page closed that is switched on."""
    found, offer = [], offer_of(page.list)
    if offer is None or not offer.is_offered:
        found.append(_("Offer the list to recipients: they see its public name."))
    if not link_base():
        text = _("Ask an administrator to set PUBLIC_BASE_URL or LINK_BASE_URL.")
        found.append(_("The page needs an address that phones can open.") + f" {text}")
    trigger = page.trigger
    if trigger is None or trigger.draft is None:
        return [*found, _("Choose the trigger whose message asks to confirm.")]
    found += _message_problems(trigger.draft)
    if trigger.state != TriggerState.ON:
        found.append(_("Switch the trigger “%(event)s” on.") % {"event": trigger.event})
    return found


def _message_problems(draft: Campaign) -> list[str]:
    found, template = [], compile_message(draft)
    texts = (draft.text, draft.sms_text) if draft.sms_text else (draft.text,)
    if not all(tags_named(PageTag.CONFIRM, text) for text in texts):
        found.append(_("Write the tag {confirm} into the message, and into its SMS."))
    if draft.promotional:
        found.append(_("The message has to be transactional: nobody has agreed to others yet."))
    if draft.budget is None:
        found.append(_("Set the budget of the message: what it may cost on a day."))
    if template.required_names():
        found.append(_("The message can't have other merge tags without a fallback value."))
    return found


def count(contact_list: ContactList, column: str) -> None:
    """Count a request that was "asked" or "confirmed" now, in the caller's transaction."""
    row, _is_new = SignUpDay.objects.get_or_create(list=contact_list, day=site_today())
    SignUpDay.objects.filter(pk=row.pk).update(**{column: F(column) + 1})


def asked_today(contact_list: ContactList) -> int:
    """How many asked to be on the list on this day of the site."""
    rows = SignUpDay.objects.filter(list=contact_list, day=site_today())
    return rows.aggregate(n=Sum("asked"))["n"] or 0


def latest_days(contact_list: ContactList) -> list[SignUpDay]:
    """The days of the last month on which somebody asked, the latest first."""
    since = site_today() - timedelta(days=DAYS_SHOWN)
    return list(SignUpDay.objects.filter(list=contact_list, day__gt=since))


def most_a_day(page: SignUpPage) -> tuple[int, Decimal, str] | None:
    """The most that the messages of a page's trigger can be and cost on a day: how many, and the
    amount with its currency, "" while no price is known. None while that is not limited.

    Each further message to a phone on a day belongs to a run of its own, with the same budget.
    """
    trigger = page.trigger
    if trigger is None or trigger.draft is None or trigger.draft.budget is None:
        return None
    draft = trigger.draft
    cost = draft.budget * min(trigger.person_max, A_DAY)
    return trigger.people_max, cost, budget_currency(draft, draft.budget)
