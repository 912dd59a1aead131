"""Messages as rows of a table: on the page of a campaign, and on that of a person."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from campaigns.compose.models import Campaign
from campaigns.dispatch.models import SEVERAL_CURRENCIES, Batch, Recipient, SendState
from campaigns.ledger.models import Purpose
from campaigns.reports.campaign.link_results import NOTHING, LinkResult, load_link_results
from campaigns.reports.campaign.recipients import reason_text, viber_price
from campaigns.templatetags.viberdash import money_in_table

SILENCE = timedelta(minutes=10)  # without an answer, from which on it is said
TEST_WATCHED = timedelta(minutes=15)  # the review asks for the statuses of a test as long
TESTS_SHOWN = 5
NO_NAMES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message in a table: why it is in its state, and its prices as markup.

    `batch`: its batch, or None where it has none. `links`: what the recipient did with its links.
    `variant`: its letter, "" without variants. `name`: of the recipient, "" where it is not known.
    """

    message: Recipient
    batch: Batch | None
    links: LinkResult = NOTHING
    variant: str = ""
    name: str = ""

    @property
    def links_text(self) -> str:
        """The variant, and what the recipient did with its links."""
        variant = _("Variant %(letter)s") % {"letter": self.variant} if self.variant else ""
        return ", ".join(filter(None, (variant, self.links.text)))

    @property
    def reason(self) -> str:
        """Why the message is in its state, and when the gateway was asked, if it is silent."""
        return " · ".join(filter(None, (reason_text(self.message), self._last_question)))

    @property
    def _last_question(self) -> str:
        """When the gateway was last asked about a message whose end is not known."""
        batch, message = self.batch, self.message
        if batch is None or batch.asked_at is None or message.final:
            return ""
        day = {"moment": date_format(localtime(batch.asked_at), "j M Y, H:i")}
        if message.send_state == SendState.UNRESOLVED:
            return _("Last asked %(moment)s.") % day
        if message.send_state != SendState.ACCEPTED or not batch.checks:
            return ""  # a batch without checks was asked about for its acceptance alone
        if batch.check_at is None:
            return _("The end is unknown. Last asked %(moment)s.") % day
        if batch.answered_at is None or batch.asked_at - batch.answered_at > SILENCE:
            return _("Asked %(moment)s, without an answer.") % day
        return ""

    @property
    def viber_price(self) -> str:
        """The price of the Viber message; "" where the gateway did not accept it."""
        if self.message.send_state != SendState.ACCEPTED:
            return ""
        return money_in_table(viber_price(self.message), self.message.currency)

    @property
    def sms_price(self) -> str:
        """The price of the SMS; "" where there was none."""
        if self.message.sms_currency == SEVERAL_CURRENCIES:
            return _("several currencies")
        if self.message.sms_price is None and not self.message.sms_status:
            return ""
        return money_in_table(self.message.sms_price, self.message.currency_of_sms)

    @property
    def known_prices(self) -> str:
        """Both prices on one line, as far as they are known, for narrow screens."""
        viber, sms = viber_price(self.message), self.message.sms_price
        return format_html(
            "{} {}",
            "" if viber is None else money_in_table(viber, self.message.currency),
            "" if sms is None else format_html("+ {} {}", _("SMS"), self.sms_price),
        )


@dataclass(frozen=True, slots=True)
class TestRows:
    """A test send, and its messages once they are made."""

    campaign: Campaign
    rows: list[MessageRow]

    @property
    def is_awaited(self) -> bool:
        """Whether a status may come soon."""
        if timezone.now() - self.campaign.created_at > TEST_WATCHED:
            return False
        return not self.rows or any(not row.message.final for row in self.rows)


def load_tests(draft: Campaign) -> list[TestRows]:
    """Return the last test sends of `draft`, the newest first."""
    tests = list(
        Campaign.objects.filter(rehearsal_of=draft, purpose=Purpose.TEST)
        .select_related("created_by")
        .order_by("-pk")[:TESTS_SHOWN]
    )
    messages = list(Recipient.objects.filter(campaign__in=tests).order_by("pk"))
    rows = load_rows(messages, tests)
    return [
        TestRows(test, [row for row in rows if row.message.campaign_id == test.pk])
        for test in tests
    ]


def load_rows(
    messages: Sequence[Recipient],
    campaigns: Iterable[Campaign],
    names: Mapping[str, str] = NO_NAMES,
) -> list[MessageRow]:
    """Return a row for each of `messages`, which are of `campaigns`, with one query for their
    batches, and more where the messages have short links. `names` by phone.
    """
    chosen = Q(pk__in=[])
    for message in messages:
        chosen |= Q(campaign=message.campaign_id, number=message.batch_number)
    batches = {(batch.campaign_id, batch.number): batch for batch in Batch.objects.filter(chosen)}
    known = {campaign.pk: campaign for campaign in campaigns}
    results = load_link_results(
        [message.pk for message in messages if known[message.campaign_id].has_short_links]
    )
    letters = {key: batch.variant or known[key[0]].winner for key, batch in batches.items()}
    return [
        MessageRow(
            message,
            batches.get((message.campaign_id, message.batch_number)),
            results.get(message.pk, NOTHING),
            letters.get((message.campaign_id, message.batch_number), ""),
            names.get(message.msisdn, ""),
        )
        for message in messages
    ]
