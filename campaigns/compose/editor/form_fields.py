"""The form fields of a draft that Django has no class for."""

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from campaigns.compose.audience.segments import SELECTABLE_CAMPAIGNS
from campaigns.compose.audience.selection import EarlierOutcomes
from campaigns.compose.models import Campaign, RecipientOutcome
from campaigns.gateway import limits
from campaigns.shared.query_values import read_id
from campaigns.shared.text import composed

LINE_ENDS = re.compile("\r\n|[\r\v\u0085\u2028\u2029]")
YEARS = range(1900, 9000)  # a moment of 1 or 9999 does not exist in each time zone


class TextField(forms.CharField):
    """A text as it is sent, see `clean_text`.

    Its limit is in characters; that of a browser is not, so composer.js keeps to it.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.widget.attrs.setdefault("dir", "auto")

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        attrs = super().widget_attrs(widget)
        if "maxlength" in attrs:
            attrs["data-maxlength"] = attrs.pop("maxlength")
        return attrs

    def to_python(self, value: Any) -> str:
        if value is not None:
            value = clean_text(str(value))
        text = super().to_python(value) or ""
        if not limits.is_encodable(text):
            raise ValidationError(_("The text contains a broken character. Delete it."))
        return text


def clean_text(text: str) -> str:
    """`text` in normal form C, and each kind of line end as LF, which is what is sent."""
    return LINE_ENDS.sub("\n", composed(text))


class UnzonedDateTimeField(forms.DateTimeField):
    """A time as it was typed: with an offset, or without one in the zone chosen beside it."""

    def to_python(self, value: Any) -> datetime | None:
        if not value or isinstance(value, datetime):
            return value or None
        try:
            moment = parse_datetime(str(value).strip())
        except ValueError:
            moment = None
        if moment is None or moment.year not in YEARS:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return moment


def in_zone(moment: datetime, zone: str | None) -> datetime:
    """`moment`, which clocks show in `zone`, or in the site's if that is empty; with an offset it
    is itself. Raises ValidationError if clocks skip it there, or show it twice.
    """
    if timezone.is_aware(moment):
        return moment
    clocks = ZoneInfo(zone or settings.TIME_ZONE)
    first, second = (moment.replace(tzinfo=clocks, fold=fold) for fold in (0, 1))
    before, after = first.utcoffset() or timedelta(), second.utcoffset() or timedelta()
    if before < after:
        raise ValidationError(_("The clocks skip this time on that day. Choose another."))
    if before > after:
        raise ValidationError(
            _("The clocks show this time twice on that day. Choose one before or after.")
        )
    return first


class TextsField(forms.Field):
    """Any number of texts, as many as `most`."""

    widget = forms.SelectMultiple

    def __init__(self, *, most: int, **options: Any) -> None:
        super().__init__(**options)
        self.most = most

    def to_python(self, value: Any) -> list[str]:
        texts = list(dict.fromkeys(clean_text(str(text)) for text in value or () if text))
        if len(texts) > self.most or any("\0" in text for text in texts):
            raise ValidationError(_("These are too many, or not texts."))
        return texts


def usable_campaigns(followed: Campaign | None) -> Q:
    """The condition on campaigns whose recipients a draft can go to: those that were sent, and the
    one that it follows.
    """
    return SELECTABLE_CAMPAIGNS | Q(pk=followed.pk) if followed else SELECTABLE_CAMPAIGNS


def earlier_choices(campaign: Campaign, *, excluded: bool) -> list[str]:
    """The saved choices of `campaign` among earlier ones, as the field below has them."""
    rows = campaign.earlier.filter(left_out=excluded)
    return [f"{row.source_id}:{row.outcome}" for row in rows]


class EarlierCampaignsField(forms.Field):
    """Sent campaigns, each as "12:read": its id, and the outcome of the recipients to choose."""

    widget = forms.SelectMultiple
    followed: Campaign | None = None  # by the draft: it may not be sent yet

    def to_python(self, value: Any) -> EarlierOutcomes:
        choices = {self._parse(str(choice)) for choice in value or () if choice}
        ids = {campaign_id for campaign_id, _outcome in choices}
        usable = Campaign.objects.filter(usable_campaigns(self.followed))
        if usable.filter(pk__in=ids).count() < len(ids):
            raise ValidationError(_("This campaign was not sent, or does not exist any more."))
        return tuple(sorted(choices))

    @staticmethod
    def _parse(choice: str) -> tuple[int, str]:
        number, _colon, outcome = choice.partition(":")
        campaign_id = read_id(number)
        if campaign_id is None or outcome not in RecipientOutcome.values:
            raise ValidationError(_("Choose a campaign and which of its recipients."))
        return campaign_id, outcome
