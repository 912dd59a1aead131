"""The form of a draft. The page and `manage.py campaign create` both go through it; its rules stand
in `checks`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from crispy_forms.helper import FormHelper
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.forms.utils import from_current_timezone
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from campaigns.compose.audience.segments import SELECTABLE_CAMPAIGNS
from campaigns.compose.audience.selection import Audience, EarlierOutcomes
from campaigns.compose.launch import checks
from campaigns.compose.library.message_templates import locked_fields
from campaigns.compose.message import links, pictures
from campaigns.compose.message.message_lengths import MessageLengths
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import (
    Campaign,
    CampaignTemplate,
    Picture,
    RecipientOutcome,
    Segment,
    Sender,
    Timing,
)
from campaigns.compose.schedule.sending_hours import DAYTIME, earliest_moment
from campaigns.contacts.models import ContactList
from campaigns.gateway import limits
from campaigns.shared.money import PLACES, exact
from campaigns.team.models import User
from campaigns.team.pages.forms import zone_choices

if TYPE_CHECKING:
    Lists = forms.ModelMultipleChoiceField[ContactList]
    Segments = forms.ModelMultipleChoiceField[Segment]
else:
    Lists = Segments = forms.ModelMultipleChoiceField

# straight into the draft
TEXTS = ("name", "text", "button_caption", "button_url", "sms_sender", "sms_text")
SAVED_CHOICES = ("lists", "exclude_lists", "segments", "exclude_segments")
AUDIENCE = (*SAVED_CHOICES, "campaigns", "exclude_campaigns")
EARLIER_SHOWN = 50  # campaigns to choose people of
RATE_MAX = 10_000  # recipients a second; more than any gateway takes
CLOCK = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


class TextField(forms.CharField):
    """A text whose lines end as they will be sent: browsers post CR LF, people mean one
    character.
    """

    def to_python(self, value: Any) -> str:
        text = (
            super().to_python(
                value if value is None else str(value).replace("\r\n", "\n").replace("\r", "\n")
            )
            or ""
        )
        if not limits.is_encodable(text):
            raise ValidationError(_("The text has a broken character."))
        return text


class UnzonedDateTimeField(forms.DateTimeField):
    """A time as it was said: without an offset in the zone that stands beside it, or with one."""

    def to_python(self, value: Any) -> datetime | None:
        if not value or isinstance(value, datetime):
            return value or None
        try:
            found = parse_datetime(str(value).strip())
        except ValueError:
            found = None
        if found is None:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return found


class EarlierCampaignsField(forms.Field):
    """Campaigns that went out, each as "12:read": its number and the outcome of those of its people
    who are meant.
    """

    widget = forms.SelectMultiple

    def to_python(self, value: Any) -> EarlierOutcomes:
        found = {self._read(str(said)) for said in value or () if said}
        known = Campaign.objects.filter(
            SELECTABLE_CAMPAIGNS, pk__in=[campaign for campaign, _outcome in found]
        ).count()
        if known < len({campaign for campaign, _outcome in found}):
            raise ValidationError(_("This campaign did not go out, or is not there any more."))
        return tuple(sorted(found))

    @staticmethod
    def _read(said: str) -> tuple[int, str]:
        number, _colon, outcome = said.partition(":")
        if (
            not (number.isascii() and number.isdigit())
            or len(number) > 18
            or outcome not in RecipientOutcome.values
        ):
            raise ValidationError(_("Choose a campaign and whom of its people."))
        return int(number), outcome


class CampaignForm(forms.Form):
    """What a person, or a file, says of a campaign. `base_url` is where this site's pictures are
    reached.
    """

    name = TextField(
        label=_("Name"),
        max_length=100,
        error_messages={"required": _("Give the campaign a name.")},
        help_text=_("For you and your colleagues; nobody else sees it."),
    )
    sender = TextField(
        widget=forms.TextInput(attrs={"list": "senders", "autocomplete": "off"}),
        label=_("Sender"),
        max_length=limits.SENDER_MAX,
        error_messages={"required": _("Choose whom it comes from.")},
        help_text=_("As registered with BSG. Choose one, or type a new one."),
    )
    promotional = forms.TypedChoiceField(
        label=_("Kind"),
        choices=[("True", _("Promotional")), ("False", _("Transactional"))],
        coerce=lambda value: value == "True",
        initial="True",
        required=False,
        widget=forms.RadioSelect,
    )
    text = TextField(
        label=_("Text"),
        widget=forms.Textarea(attrs={"rows": 7}),
        error_messages={"required": _("Write what people will read.")},
    )
    picture = forms.FileField(label=_("Picture"), required=False)
    square = forms.BooleanField(label=_("Cut to a square"), required=False, initial=True)
    remove_picture = forms.BooleanField(label=_("Remove the picture"), required=False)
    image = forms.CharField(required=False, widget=forms.HiddenInput)  # of the library
    image_url = TextField(
        label=_("Address of a picture"),
        required=False,
        max_length=limits.URL_MAX,
        help_text=_("Instead of an upload: begins with https:// and ends in .jpg or .png."),
    )
    button_caption = TextField(label=_("Button"), required=False, max_length=limits.CAPTION_MAX)
    button_url = TextField(label=_("Link"), required=False, max_length=2000)
    utm_source = TextField(label="utm_source", required=False, max_length=100)
    utm_medium = TextField(label="utm_medium", required=False, max_length=100)
    utm_campaign = TextField(label="utm_campaign", required=False, max_length=100)
    utm_content = TextField(label="utm_content", required=False, max_length=100)
    utm_term = TextField(label="utm_term", required=False, max_length=100)
    sms_sender = TextField(
        label=_("SMS sender"), required=False, max_length=limits.SMS_SENDER_DIGITS_MAX
    )
    sms_text = TextField(
        label=_("SMS text"), required=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    validity = forms.IntegerField(
        label=_("Viber tries for"),
        required=False,
        min_value=limits.VALIDITY_MIN,
        max_value=limits.VALIDITY_MAX,
        initial=limits.VALIDITY_MAX,
    )
    tariff = forms.TypedChoiceField(
        label=_("Tariff"),
        required=False,
        coerce=int,
        choices=[(number, str(number)) for number in range(limits.TARIFF_MAX + 1)],
    )
    lists: Lists = Lists(
        ContactList.objects.all(),
        label=_("Lists"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    exclude_lists: Lists = Lists(
        ContactList.objects.all(),
        label=_("Leave out"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    segments: Segments = Segments(
        Segment.objects.all(),
        label=_("Segments"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    exclude_segments: Segments = Segments(
        Segment.objects.all(),
        label=_("Leave out segments"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    campaigns = EarlierCampaignsField(label=_("People of earlier campaigns"), required=False)
    exclude_campaigns = EarlierCampaignsField(
        label=_("Leave out people of earlier campaigns"), required=False
    )
    timing = forms.ChoiceField(
        label=_("When"),
        required=False,
        choices=Timing.choices,
        initial=Timing.NOW,
        widget=forms.RadioSelect,
    )
    scheduled_at = UnzonedDateTimeField(
        label=_("Date and time"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": _("Enter a date and a time.")},
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False, choices=zone_choices)
    budget = forms.DecimalField(
        label=_("Budget"),
        required=False,
        min_value=0,
        max_digits=18,
        decimal_places=PLACES,
        help_text=_("Sending pauses before it would cost more. In the currency of the account."),
    )
    # a new campaign is promotional until somebody says otherwise
    sends_from = forms.TimeField(
        label=_("Not before"), required=False, widget=CLOCK, initial=DAYTIME.start
    )
    sends_until = forms.TimeField(
        label=_("Not after"), required=False, widget=CLOCK, initial=DAYTIME.end
    )
    rate = forms.IntegerField(
        label=_("People a second"),
        required=False,
        min_value=1,
        max_value=RATE_MAX,
        help_text=_("At most. Empty: as fast as it goes."),
    )
    # of the draft that the person is looking at
    version = forms.CharField(required=False, widget=forms.HiddenInput)
    overwrite = forms.BooleanField(label=_("Save mine over theirs"), required=False)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        *,
        campaign: Campaign | None = None,
        actor: User | None = None,
        base_url: str = "",
        initial: Mapping[str, Any] | None = None,
        made_from: CampaignTemplate | None = None,
    ) -> None:
        self.campaign, self.actor, self.base_url = campaign, actor, base_url
        self.uploaded: Picture | None = None
        self.made_from = campaign.made_from if campaign else made_from
        start = {"time_zone": actor.time_zone if actor else ""}
        start |= initial_of(campaign) if campaign else made_from.content if made_from else {}
        super().__init__(data, files, initial={**start, **(initial or {})}, auto_id="id_%s")
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.locked = locked_fields(self.made_from, actor)
        for name in self.locked:
            self.fields[name].disabled = True  # what is posted for it counts for nothing
        if campaign and "button_url" in self.locked:
            self.initial["button_url"] = campaign.button_url

    @property
    def daytime(self) -> str:
        """The hours that the page offers."""
        return str(DAYTIME)

    # what was said

    def sketch(self) -> None:
        """Read what can be read of an unfinished form, instead of `is_valid`: nothing is refused,
        nothing uploaded.
        """
        self.cleaned_data: dict[str, Any] = {}
        for name, said in self.fields.items():
            if isinstance(said, forms.FileField):
                continue
            try:
                typed = said.widget.value_from_datadict(self.data, {}, name)
                self.cleaned_data[name] = said.clean(self[name].initial if said.disabled else typed)
            except ValidationError:
                continue
        if not self._settle_time():
            del self.cleaned_data["scheduled_at"]

    def said(self, field: str) -> Any:
        """The clean value of `field`; where it is not clean, the words as typed, or nothing."""
        if field in self.cleaned_data:
            return self.cleaned_data[field]
        if not isinstance(self.fields[field], TextField):
            return None
        return str(self.data.get(field) or "").replace("\r\n", "\n").replace("\0", "")

    @property
    def audience(self) -> Audience:
        """Who is chosen, and who is left out."""
        ids = {
            name: tuple(sorted(row.pk for row in self.said(name) or ())) for name in SAVED_CHOICES
        }
        return Audience(
            lists=ids["lists"],
            exclude_lists=ids["exclude_lists"],
            segments=ids["segments"],
            exclude_segments=ids["exclude_segments"],
            campaigns=self.said("campaigns") or (),
            exclude_campaigns=self.said("exclude_campaigns") or (),
            own=self.campaign.pk if self.campaign else 0,
        )

    def earlier_rows(self) -> dict[str, list[tuple[Campaign, str]]]:
        """The campaigns whose people can be chosen, the newest first, by field; each with what is
        chosen of it.
        """
        found = {}
        newest = list(
            Campaign.objects.filter(SELECTABLE_CAMPAIGNS).order_by("-frozen_at")[:EARLIER_SHOWN]
        )
        for name in ("campaigns", "exclude_campaigns"):
            values = [said.partition(":") for said in self[name].value() or () if said]
            chosen = {
                int(number): outcome for number, _colon, outcome in values if number.isdecimal()
            }
            older = chosen.keys() - {row.pk for row in newest}
            rows = [
                *newest,
                *(Campaign.objects.filter(SELECTABLE_CAMPAIGNS, pk__in=older) if older else ()),
            ]
            found[name] = [(row, chosen.get(row.pk, "")) for row in rows]
        return found

    @property
    def known_fields(self) -> list[str]:
        """Every merge tag that there is: whoever a segment means may be on any list."""
        fields = ContactList.objects.values_list("fields", flat=True)
        return sorted({name for names in fields for name in names})

    def fill(self, campaign: Campaign) -> Campaign:
        """`campaign` with what was said, not saved; its lists are in `audience`. After `is_valid`,
        true or not.
        """
        for field in TEXTS:
            setattr(campaign, field, self.said(field))
        campaign.button_url = links.set_utm(campaign.button_url, self._utm())
        sender = self.said("sender")
        campaign.sender = (
            (Sender.objects.filter(name=sender).first() or Sender(name=sender)) if sender else None
        )
        campaign.image, campaign.image_url = self._picture()
        campaign.promotional = self.said("promotional") is not False
        campaign.validity = self.said("validity") or limits.VALIDITY_MAX
        campaign.tariff = self.said("tariff") or 0
        campaign.timing = self.said("timing") or Timing.NOW
        self._fill_time(campaign)
        campaign.time_zone = self.said("time_zone") or ""
        campaign.budget = self.said("budget")
        campaign.sends_from, campaign.sends_until = (
            self.said("sends_from"),
            self.said("sends_until"),
        )
        campaign.rate = self.said("rate")
        campaign.made_from = self.made_from
        return campaign

    def _fill_time(self, campaign: Campaign) -> None:
        at = None if campaign.timing == Timing.NOW else self.said("scheduled_at")
        campaign.scheduled_at, campaign.local_at = at, ""
        if at and campaign.timing == Timing.LOCAL:  # as a clock shows it, without a zone
            campaign.local_at = at.isoformat(timespec="minutes")
            campaign.scheduled_at = earliest_moment(at, checks.places(self.audience)) or at.replace(
                tzinfo=settings.SITE_ZONE
            )

    def _utm(self) -> dict[str, str]:
        """The UTM parameters to put into the link; one that stands in it and has no words here
        stays.
        """
        if "button_url" in self.locked:
            return {}
        return {name: words for name in links.UTM_NAMES if (words := self.said(name))}

    def _picture(self) -> tuple[str, str]:
        """The stored picture's name, if any, and the address at which the gateway finds the
        picture.
        """
        if self.said("remove_picture"):
            return "", ""
        if not self.uploaded and (url := self.said("image_url")):
            return "", url
        name = str(self.uploaded.file) if self.uploaded else self.said("image") or ""
        return (name, pictures.stored_picture_url(self.base_url, name)) if name else ("", "")

    # what is wrong with it

    def clean_picture(self) -> Picture | None:
        """An upload becomes a picture of the library at once, so that nothing is lost when another
        field is wrong.
        """
        upload = self.cleaned_data.get("picture")
        if not upload:
            return None
        self.uploaded = pictures.store_picture(
            upload, self.actor, bool(self.data.get("square")), pictures.parse_crop(self.data)
        )
        return self.uploaded

    def clean_image(self) -> str:
        name: str = self.cleaned_data["image"]
        if name and not Picture.objects.filter(file=name).exists():
            raise ValidationError(_("This picture is not in the library any more. Choose another."))
        return name

    def clean(self) -> dict[str, Any]:
        if not self._settle_time():
            self.add_error(
                "scheduled_at", _("On that day the clocks jump over this time. Choose another.")
            )
        self._check_hours()
        draft = self.fill(Campaign())
        found = [*checks.message_problems(draft), *checks.time_problems(draft)]
        found += checks.hours_problems(draft, self.audience)
        if self.audience:
            found += checks.audience_problems(MessageLengths(self.audience, compile_message(draft)))
        for problem in found:
            field = "picture" if problem.field == "image_url" and draft.image else problem.field
            if not self.has_error(field):
                self.add_error(field, str(problem.message))
        return self.cleaned_data

    def _check_hours(self) -> None:
        """Both ends of the sending hours or neither, the later one after the earlier."""
        if wrong := checks.ends_problem(self.said("sends_from"), self.said("sends_until")):
            self.add_error(wrong.field, str(wrong.message))

    def _settle_time(self) -> bool:
        """A time without an offset is one of the zone that stands beside it. Whether there is such
        a time.
        """
        said = self.cleaned_data.get("scheduled_at")
        if said and self.cleaned_data.get("timing") == Timing.LOCAL:
            self.cleaned_data["scheduled_at"] = said.replace(tzinfo=None)
            return True
        if said is None or timezone.is_aware(said):
            return True
        try:
            with timezone.override(
                ZoneInfo(self.cleaned_data.get("time_zone") or settings.TIME_ZONE)
            ):
                self.cleaned_data["scheduled_at"] = from_current_timezone(said)
        except ValidationError:
            return False
        return True


def initial_of(campaign: Campaign) -> dict[str, Any]:
    """What the form shows of a saved draft."""
    zone = ZoneInfo(campaign.time_zone or settings.TIME_ZONE)
    at = campaign.scheduled_at
    return {
        **{field: getattr(campaign, field) for field in TEXTS},
        **links.read_utm(campaign.button_url),
        "button_url": links.remove_utm(campaign.button_url),
        "sender": campaign.sender.name if campaign.sender else "",
        "promotional": str(campaign.promotional),
        "image": str(campaign.image or ""),
        "image_url": "" if campaign.image else campaign.image_url,
        "validity": campaign.validity,
        "tariff": campaign.tariff,
        "lists": list(campaign.lists.values_list("pk", flat=True)),
        "exclude_lists": list(campaign.exclude_lists.values_list("pk", flat=True)),
        "segments": list(campaign.segments.values_list("pk", flat=True)),
        "exclude_segments": list(campaign.exclude_segments.values_list("pk", flat=True)),
        "campaigns": [
            f"{row.source_id}:{row.outcome}" for row in campaign.earlier.filter(left_out=False)
        ],
        "exclude_campaigns": [
            f"{row.source_id}:{row.outcome}" for row in campaign.earlier.filter(left_out=True)
        ],
        "timing": campaign.timing,
        "scheduled_at": campaign.local_time
        or (at.astimezone(zone).replace(tzinfo=None) if at else None),
        "time_zone": campaign.time_zone,
        "budget": None if campaign.budget is None else exact(campaign.budget),
        "sends_from": campaign.sends_from,
        "sends_until": campaign.sends_until,
        "rate": campaign.rate,
        "version": campaign.updated_at.isoformat(),
    }
