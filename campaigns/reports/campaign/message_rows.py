"""Messages as rows of a table: on the page of a campaign, and on that of a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from campaigns.dispatch.models import SEVERAL_CURRENCIES, Batch, Recipient, SendState
from campaigns.reports.campaign.clicks import clicks_text, load_clicks
from campaigns.reports.campaign.recipients import reason_text, viber_price
from campaigns.reports.shared.opt_outs import load_opted_out
from campaigns.templatetags.viberdash import money_exact

SILENCE = timedelta(minutes=10)  # without an answer, from which on it is said


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message in a table: why it is in its state, and its prices as markup.

    `batch`: its batch, or None where it has none. `clicks`: of people, on its links.
    `opted_out_at`: by its link. `variant`: its letter, "" without variants.
    """

    message: Recipient
    batch: Batch | None
    clicks: int = 0
    opted_out_at: datetime | None = None
    variant: str = ""

    @property
    def links_text(self) -> str:
        """The variant, and what the recipient did with its links."""
        variant = _("Variant %(letter)s") % {"letter": self.variant} if self.variant else ""
        texts = (variant, clicks_text(self.clicks), _("Unsubscribed") if self.opted_out_at else "")
        return ", ".join(filter(None, texts))

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
        return money_exact(viber_price(self.message), self.message.currency)

    @property
    def sms_price(self) -> str:
        """The price of the SMS; "" where there was none."""
        if self.message.sms_currency == SEVERAL_CURRENCIES:
            return _("several currencies")
        if self.message.sms_price is None and not self.message.sms_status:
            return ""
        return money_exact(self.message.sms_price, self.message.currency_of_sms)

    @property
    def known_prices(self) -> str:
        """Both prices on one line, as far as they are known, for narrow screens."""
        viber, sms = viber_price(self.message), self.message.sms_price
        return format_html(
            "{} {}",
            "" if viber is None else money_exact(viber, self.message.currency),
            "" if sms is None else format_html("+ {} {}", _("SMS"), self.sms_price),
        )


def load_rows(messages: Sequence[Recipient], winner: str = "") -> list[MessageRow]:
    """Return a row for each of `messages`, with one query each for their batches, clicks and
    opt-outs. `winner`: the variant that won in their campaign.
    """
    chosen = Q(pk__in=[])
    for message in messages:
        chosen |= Q(campaign=message.campaign_id, number=message.batch_number)
    batches = {(batch.campaign_id, batch.number): batch for batch in Batch.objects.filter(chosen)}
    letters = {key: batch.variant or winner for key, batch in batches.items()}
    ids = [message.pk for message in messages]
    clicks, opted_out = load_clicks(ids), load_opted_out(ids)
    return [
        MessageRow(
            message,
            batches.get((message.campaign_id, message.batch_number)),
            clicks[message.pk][0] if message.pk in clicks else 0,
            opted_out.get(message.pk),
            letters.get((message.campaign_id, message.batch_number), ""),
        )
        for message in messages
    ]
