"""The form of a draft, for the composer and for campaign files.

What its fields are called, and everything else that is true of each, stands in `draft_fields`; the
rules of a message stand in `launch.checks`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from crispy_forms.helper import FormHelper
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from campaigns.compose.audience.frequency_cap import Cap, cap_of
from campaigns.compose.audience.segments import SELECTABLE_CAMPAIGNS
from campaigns.compose.audience.selection import Audience, needs_consent
from campaigns.compose.draft_fields import FIELDS, LABELS, SAVED_CHOICES
from campaigns.compose.editor.form_fields import (
    EarlierCampaignsField,
    TextField,
    TextsField,
    UnzonedDateTimeField,
    clean_text,
    in_zone,
    usable_campaigns,
)
from campaigns.compose.editor.initial_values import initial_of
from campaigns.compose.editor.variant_fields import VariantsForm, complete
from campaigns.compose.launch import checks
from campaigns.compose.launch.follow_ups import HOURS_MAX
from campaigns.compose.launch.local_start import local_start, possible_places
from campaigns.compose.launch.text_checks import variants as variant_rules
from campaigns.compose.library import senders
from campaigns.compose.library.message_templates import locked_fields
from campaigns.compose.message import links, pictures
from campaigns.compose.message.audience_counts import measured_already
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import (
    Campaign,
    CampaignTemplate,
    Picture,
    Segment,
    Sender,
    Timing,
)
from campaigns.compose.schedule.sending_hours import DAYTIME
from campaigns.contacts.choosable_lists import choosable_lists
from campaigns.contacts.models import ContactList
from campaigns.gateway import limits
from campaigns.shared.money import AmountInput
from campaigns.shared.query_values import read_id
from campaigns.team.models import User
from campaigns.team.pages.brands.forms import BrandChoices
from campaigns.team.time_zones import zone_choices

if TYPE_CHECKING:
    ListsField = forms.ModelMultipleChoiceField[ContactList]
    SegmentsField = forms.ModelMultipleChoiceField[Segment]
else:
    ListsField = SegmentsField = forms.ModelMultipleChoiceField

EARLIER_SHOWN = 50  # sent campaigns offered as an audience
RATE_MAX = 10_000  # recipients per second; more than any gateway takes
CLOCK = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
CHECKBOXES = forms.CheckboxSelectMultiple


def _short(size: int, **options: Any) -> TextField:
    return TextField(required=False, max_length=size, **options)


class CampaignForm(BrandChoices, VariantsForm):
    """What a user, or a campaign file, enters. `base_url` is where this site serves its images."""

    name = TextField(
        max_length=100,
        error_messages={"required": _("Enter a name for the campaign.")},
        help_text=_("Only your team sees it."),
    )
    sender = TextField(
        widget=forms.Select,
        max_length=limits.SENDER_MAX,
        error_messages={"required": _("Choose a sender.")},
    )
    promotional = forms.TypedChoiceField(
        choices=[("True", _("Promotional")), ("False", _("Transactional"))],
        coerce=lambda value: value == "True",
        initial="True",
        required=False,
        widget=forms.RadioSelect,
    )
    text = TextField(
        widget=forms.Textarea(attrs={"rows": 7}),
        error_messages={"required": _("Enter the text of the message.")},
    )
    picture = forms.FileField(required=False)
    square = forms.BooleanField(required=False, initial=True)
    remove_picture = forms.BooleanField(required=False)
    image = forms.CharField(required=False, widget=forms.HiddenInput)  # of the library
    image_url = _short(
        limits.URL_MAX,
        help_text=_("Instead of an upload. Starts with https:// and ends in .jpg or .png."),
    )
    button_caption = _short(limits.CAPTION_MAX)
    button_url = _short(2000)
    utm_source = _short(100)
    utm_medium = _short(100)
    utm_campaign = _short(100)
    utm_content = _short(100)
    utm_term = _short(100)
    track_links = forms.TypedChoiceField(
        choices=[("True", _("Track clicks")), ("False", _("Don't track"))],
        coerce=lambda value: value == "True",
        initial="True",
        required=False,
        widget=forms.RadioSelect,
    )
    untracked_links = TextsField(required=False, most=100)
    track_conversions = forms.TypedChoiceField(
        choices=[("False", _("Clicks only")), ("True", _("Clicks and conversions"))],
        coerce=lambda value: value == "True",
        initial="False",
        required=False,
        widget=forms.RadioSelect,
    )
    sms_sender = _short(limits.SMS_SENDER_DIGITS_MAX)
    sms_text = TextField(required=False, widget=forms.Textarea(attrs={"rows": 4}))
    validity = forms.IntegerField(
        required=False,
        min_value=limits.VALIDITY_MIN,
        max_value=limits.VALIDITY_MAX,
        initial=limits.VALIDITY_MAX,
    )
    tariff = forms.TypedChoiceField(
        required=False,
        coerce=int,
        choices=[(number, str(number)) for number in range(limits.TARIFF_MAX + 1)],
    )
    lists: ListsField = ListsField(choosable_lists(), required=False, widget=CHECKBOXES)
    exclude_lists: ListsField = ListsField(choosable_lists(), required=False, widget=CHECKBOXES)
    segments: SegmentsField = SegmentsField(
        Segment.objects.all(), required=False, widget=CHECKBOXES
    )
    exclude_segments: SegmentsField = SegmentsField(
        Segment.objects.all(), required=False, widget=CHECKBOXES
    )
    campaigns = EarlierCampaignsField(required=False)
    exclude_campaigns = EarlierCampaignsField(required=False)
    timing = forms.ChoiceField(
        required=False, choices=Timing.choices, initial=Timing.NOW, widget=forms.RadioSelect
    )
    scheduled_at = UnzonedDateTimeField(
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": _("Enter a date and a time.")},
    )
    follow_hours = forms.IntegerField(required=False, min_value=1, max_value=HOURS_MAX)
    time_zone = forms.ChoiceField(required=False, choices=zone_choices)
    budget = AmountInput(
        required=False,
        min_value=0,
        help_text=_("Sending pauses before it would cost more. In the account's currency."),
    )
    # a new campaign is promotional until its author says otherwise
    sends_from = forms.TimeField(required=False, widget=CLOCK, initial=DAYTIME.start)
    sends_until = forms.TimeField(required=False, widget=CLOCK, initial=DAYTIME.end)
    rate = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=RATE_MAX,
        help_text=_("The most recipients per second. Leave empty for no limit."),
    )
    version = forms.CharField(required=False, widget=forms.HiddenInput)  # of the draft on the page
    overwrite = forms.BooleanField(label=_("Overwrite their changes"), required=False)

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
        for name in self.fields.keys() & LABELS.keys():
            self.fields[name].label = str(LABELS[name])
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.locked = locked_fields(self.made_from, actor)
        for name in self.locked:
            self.fields[name].disabled = True  # Django then ignores what is posted for it
        if campaign and "button_url" in self.locked:
            self.initial["button_url"] = campaign.button_url
        self.parent = campaign.follows if campaign else None
        self._offer_parent()
        self._offer_senders()

    def _offer_parent(self) -> None:
        """Offer to go out after another campaign if the draft was made as its follow-up."""
        fields: dict[str, Any] = self.fields
        for name in ("campaigns", "exclude_campaigns"):
            fields[name].followed = self.parent
        if self.parent is None:
            choices = [choice for choice in Timing.choices if choice[0] != Timing.AFTER]
            fields["timing"].choices = choices

    def _offer_senders(self) -> None:
        """Offer the senders that exist, and show a name that is none with the reason."""
        names = list(Sender.objects.order_by("name").values_list("name", flat=True))
        choices: list[tuple[str, Any]] = [
            ("", _("Choose a sender")),
            *((name, name) for name in names),
        ]
        chosen = clean_text(str(self["sender"].value() or ""))
        self.has_senders, self.unknown_sender = bool(names), ""
        if chosen and chosen not in names:
            choices.append((chosen, format_lazy("{} ({})", chosen, _("not usable"))))
            self.unknown_sender = senders.unknown_text(chosen)
        self.fields["sender"].widget.choices = choices

    @property
    def daytime(self) -> str:
        """The sending hours that the page offers."""
        return str(DAYTIME)

    # what was entered

    def read_unfinished(self) -> None:
        """Read what is readable, instead of `is_valid`: nothing is refused, nothing is uploaded."""
        self.cleaned_data: dict[str, Any] = {}
        for name, field in self.fields.items():
            if isinstance(field, forms.FileField):
                continue
            try:
                typed = field.widget.value_from_datadict(self.data, {}, name)
                self.cleaned_data[name] = field.clean(
                    self[name].initial if field.disabled else typed
                )
            except ValidationError:
                continue
        if self._resolve_time():
            del self.cleaned_data["scheduled_at"]

    def has_value(self, name: str) -> bool:
        """Whether anything was typed, chosen or uploaded in a field."""
        return bool(self.data.get(name) or self.files.get(name))

    def value(self, name: str) -> Any:
        """The clean value of a field. Where there is none: a text as it was typed, else None."""
        if name in self.cleaned_data:
            return self.cleaned_data[name]
        if not isinstance(self.fields[name], TextField):
            return None
        return clean_text(str(self.data.get(name) or "")).replace("\0", "")

    @property
    def audience(self) -> Audience:
        """What is chosen; of a follow-up, the most that it can be."""
        follows = self.parent if self.value("timing") == Timing.AFTER else None
        return self.chosen.at_most(follows) if follows else self.chosen

    @property
    def chosen(self) -> Audience:
        """The chosen and excluded lists, segments and campaigns."""
        campaign = self.campaign or Campaign()
        ids = {
            name: tuple(sorted(row.pk for row in self.value(name) or ())) for name in SAVED_CHOICES
        }
        return Audience(
            lists=ids["lists"],
            exclude_lists=ids["exclude_lists"],
            segments=ids["segments"],
            exclude_segments=ids["exclude_segments"],
            campaigns=self.value("campaigns") or (),
            exclude_campaigns=self.value("exclude_campaigns") or (),
            own=campaign.pk or 0,
            cap=self._cap(),
            needs_consent=needs_consent(campaign, promotional=bool(self.value("promotional"))),
        )

    def _cap(self) -> Cap | None:
        """The frequency cap of the campaign, by its type and time as they are typed now."""
        saved, moment = self.campaign or Campaign(), self.value("scheduled_at")
        typed = Campaign(
            promotional=self.value("promotional") is not False,
            timing=self.value("timing") or Timing.NOW,
            # a local time has no zone yet: counted as if it were sent now
            scheduled_at=moment if moment and timezone.is_aware(moment) else None,
            cap_messages=saved.cap_messages,
            cap_days=saved.cap_days,
        )
        return cap_of(typed)

    def earlier_rows(self) -> dict[str, list[tuple[Campaign, str]]]:
        """The sent campaigns on offer by field, newest first, each with its chosen outcome."""
        rows = {}
        newest = list(
            Campaign.objects.filter(SELECTABLE_CAMPAIGNS).order_by("-frozen_at")[:EARLIER_SHOWN]
        )
        for name in ("campaigns", "exclude_campaigns"):
            values = [choice.partition(":") for choice in self[name].value() or () if choice]
            chosen = {
                campaign_id: outcome
                for number, _colon, outcome in values
                if (campaign_id := read_id(number)) is not None
            }
            older = chosen.keys() - {campaign.pk for campaign in newest}
            offered = [
                *newest,
                *(
                    Campaign.objects.filter(usable_campaigns(self.parent), pk__in=older)
                    if older
                    else ()
                ),
            ]
            rows[name] = [(campaign, chosen.get(campaign.pk, "")) for campaign in offered]
        return rows

    @property
    def known_fields(self) -> list[str]:
        """All merge tags: the contacts of a segment may be on any list."""
        fields = choosable_lists().values_list("fields", flat=True)
        return sorted({name for names in fields for name in names})

    def fill(self, campaign: Campaign) -> Campaign:
        """`campaign` with the form's values, not saved. Valid or not; the audience stays apart."""
        for field in FIELDS:
            if field.column:
                value = self.value(field.name)
                setattr(campaign, field.name, field.default if value in (None, "") else value)
        campaign.button_url = links.set_utm(links.read_pasted(campaign.button_url), self._utm())
        utm, variants = self._utm(), self.value("variants") or ()
        campaign.variants = complete(variants, campaign, utm, self.locked, self.base_url)
        sender = self.value("sender")
        campaign.sender = (
            (Sender.objects.filter(name=sender).first() or Sender(name=sender)) if sender else None
        )
        campaign.image, campaign.image_url = self._image()
        self._fill_time(campaign)
        campaign.made_from, campaign.follows = self.made_from, self.parent
        return campaign

    def _fill_time(self, campaign: Campaign) -> None:
        has_time = campaign.timing not in (Timing.NOW, Timing.AFTER)
        moment = self.value("scheduled_at") if has_time else None
        campaign.scheduled_at, campaign.local_at = moment, ""
        if moment and campaign.timing == Timing.LOCAL:  # as a clock shows it, without a zone
            campaign.local_at = moment.isoformat(timespec="minutes")
            # The launch works it out again, from the recipients as they are then.
            campaign.scheduled_at = local_start(moment, possible_places(self.audience))

    def _utm(self) -> dict[str, str]:
        """The UTM parameters to set in the link. What is empty here stays as it is there."""
        if "button_url" in self.locked:
            return {}
        return {name: value for name in links.UTM_NAMES if (value := self.value(name))}

    def _image(self) -> tuple[str, str]:
        """The stored image's name, if any, and the address where the gateway finds the image."""
        if self.value("remove_picture"):
            return "", ""
        if not self.uploaded and (url := self.value("image_url")):
            return "", url
        name = str(self.uploaded.file) if self.uploaded else self.value("image") or ""
        return (name, pictures.stored_picture_url(self.base_url, name)) if name else ("", "")

    # checks

    def clean_sender(self) -> str:
        name: str = self.cleaned_data["sender"]
        if not Sender.objects.filter(name=name).exists():
            raise ValidationError(senders.unknown_text(name))
        return name

    def clean_picture(self) -> Picture | None:
        """Store an upload at once: it is not lost when another field is refused."""
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
            raise ValidationError(_("This image is not in the library any more. Choose another."))
        return name

    def clean(self) -> dict[str, Any]:
        if wrong_time := self._resolve_time():
            self.add_error("scheduled_at", wrong_time)
        self._check_hours()
        draft = self.fill(Campaign())
        problems = [*checks.message_problems(draft), *checks.time_problems(draft)]
        problems += self._audience_problems(draft)
        for problem in problems:
            field = "picture" if problem.field == "image_url" and draft.image else problem.field
            if field == variant_rules.FIELD or not self.has_error(field):
                self.add_error(field, str(problem.message))
        return self.cleaned_data

    def _audience_problems(self, draft: Campaign) -> list[checks.Problem]:
        """Of a large audience that is not counted yet, the launch finds them."""
        measured = measured_already(self.audience, compile_message(draft))
        countries = measured.countries if measured else ()
        problems = checks.hours_problems(draft, self.audience, countries)
        if not self.audience:
            return problems
        if measured is None:
            return problems + checks.tag_problems(self.audience, compile_message(draft))
        problems += variant_rules.division_problems(draft, measured)
        return problems + checks.audience_problems(measured)

    def _check_hours(self) -> None:
        """Both ends of the sending hours or neither, the later one after the earlier."""
        problem = checks.ends_problem(self.value("sends_from"), self.value("sends_until"))
        if problem:
            self.add_error(problem.field, str(problem.message))

    def _resolve_time(self) -> str:
        """Put a time without an offset into the chosen zone. What is wrong with it there, or ""."""
        moment: datetime | None = self.cleaned_data.get("scheduled_at")
        if moment and self.cleaned_data.get("timing") == Timing.LOCAL:
            self.cleaned_data["scheduled_at"] = moment.replace(tzinfo=None)
            return ""
        if moment is None:
            return ""
        try:
            self.cleaned_data["scheduled_at"] = in_zone(moment, self.cleaned_data.get("time_zone"))
        except ValidationError as error:
            return str(error.message)
        return ""
