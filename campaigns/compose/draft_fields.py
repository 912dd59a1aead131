"""The fields of a draft, one row each.

The form, autosave, copies, templates, approval, campaign files and the composer's cards all read
this table. To add a field, see CONTRIBUTING.md, "A field of a campaign".
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.compose.message.links import UTM_NAMES
from campaigns.compose.models import Campaign, DecisionMeasure, Timing, VariantSplit
from campaigns.gateway import limits
from campaigns.shared.money import exact


class Card(Enum):
    """The cards of the composer."""

    MESSAGE = "message"
    SMS = "sms"
    VARIANTS = "variants"
    AUDIENCE = "audience"
    WHEN = "when"


class Copied(Enum):
    """Which copies of a campaign get the value."""

    ALWAYS = "always"
    TO_CAMPAIGNS = "to campaigns"  # not to test sends and rehearsals, which go out at once
    NEVER = "never"


class FileValue(Enum):
    """What a campaign file says of the field: see editor/campaign_file.py."""

    TEXT = "text"
    NUMBER = "number"
    AMOUNT = "amount"
    FLAG = "flag"
    TEXTS = "texts"
    NAMES = "names"
    CAMPAIGNS = "campaigns"
    VARIANTS = "variants"
    TIME = "time"
    LOCAL_TIME = "local time"


@dataclass(frozen=True, slots=True)
class DraftField:
    """What is true of one field of the form, one column of the campaign, or both.

    `column`: the form's value goes into the column of the same name, or `default` where the form
    has none. `approved`: another value makes an approval void. `in_template`: a template holds it,
    and an administrator may lock it there under its label. `locked_with`: the field that locks this
    one too. `keeps_saved`: autosave keeps the saved value while the typed one cannot be read.
    `shown`: what the form shows of a campaign, where it is not the column's value.
    """

    name: str
    label: str | Promise = ""
    card: Card = Card.MESSAGE
    column: bool = False
    default: Any = ""
    copied: Copied = Copied.NEVER
    approved: bool = False
    in_template: bool = False
    locked_with: str = ""
    keeps_saved: bool = False
    in_file: FileValue | None = None
    shown: Callable[[Campaign], Any] | None = None

    def value_of(self, campaign: Campaign) -> Any:
        """What the form, and a template, show of the field in `campaign`."""
        return self.shown(campaign) if self.shown else getattr(campaign, self.name)


def _image(campaign: Campaign) -> str:
    return str(campaign.image or "")


def _image_url(campaign: Campaign) -> str:
    """The address that was typed; that of an image of the library is made anew at each save."""
    return "" if campaign.image else campaign.image_url


def _promotional(campaign: Campaign) -> str:
    return str(campaign.promotional)


def _track_links(campaign: Campaign) -> str:
    return str(campaign.track_links)


def _track_conversions(campaign: Campaign) -> str:
    return str(campaign.track_conversions)


def _variants_shown(campaign: Campaign) -> list[dict[str, str]]:
    """With the addresses that were typed, as `_image_url`."""
    return [
        {**variant, "image_url": ""} if "image_file" in variant else variant
        for variant in campaign.variants
    ]


def _decides_itself(campaign: Campaign) -> str:
    return str(campaign.decides_itself)


def _sender_name(campaign: Campaign) -> str:
    return campaign.sender.name if campaign.sender else campaign.new_sender


def _budget(campaign: Campaign) -> str | None:
    return None if campaign.budget is None else exact(campaign.budget)


TEXT, NUMBER, NAMES = FileValue.TEXT, FileValue.NUMBER, FileValue.NAMES

_message = partial(DraftField, copied=Copied.ALWAYS, approved=True, in_template=True)
_text = partial(_message, column=True, in_file=TEXT)
_audience = partial(DraftField, card=Card.AUDIENCE, in_file=NAMES)
_when = partial(DraftField, card=Card.WHEN, approved=True, keeps_saved=True)
# goes into an approval as a whole (launch/approval.py), where there are variants
_variants = partial(
    DraftField,
    card=Card.VARIANTS,
    column=True,
    copied=Copied.TO_CAMPAIGNS,
    keeps_saved=True,
)
_limit = partial(_when, column=True, default=None, copied=Copied.TO_CAMPAIGNS)

# The order of the approved fields is part of the fingerprint of approvals under way.
FIELDS = (
    DraftField("name", _("Name"), column=True, in_file=TEXT),
    _message("sender", _("Sender"), approved=False, in_file=TEXT, shown=_sender_name),
    _text("text", _("Text")),
    _message("image", _("Image"), shown=_image),
    _message("image_url", _("Image address"), locked_with="image", in_file=TEXT, shown=_image_url),
    DraftField("picture", _("Image"), locked_with="image"),
    DraftField("square", _("Crop to square"), locked_with="image"),
    DraftField("remove_picture", _("Remove the image"), locked_with="image"),
    _text("button_caption", _("Button")),
    _text("button_url", _("Link")),
    *(DraftField(name, name, locked_with="button_url") for name in UTM_NAMES),
    # what is tracked goes into an approval as a whole (launch/approval.py)
    _message(
        "track_links",
        _("Track clicks"),
        column=True,
        default=True,
        approved=False,
        keeps_saved=True,
        in_file=FileValue.FLAG,
        shown=_track_links,
    ),
    _message(
        "untracked_links",
        _("Links without tracking"),
        column=True,
        default=(),
        approved=False,
        keeps_saved=True,
        locked_with="track_links",
        in_file=FileValue.TEXTS,
    ),
    _message(
        "track_conversions",
        _("Track conversions"),
        column=True,
        default=False,
        approved=False,
        keeps_saved=True,
        locked_with="track_links",
        in_file=FileValue.FLAG,
        shown=_track_conversions,
    ),
    _text("sms_sender", _("SMS sender"), card=Card.SMS),
    _text("sms_text", _("SMS text"), card=Card.SMS),
    _message(
        "promotional",
        _("Type"),
        column=True,
        default=True,
        keeps_saved=True,
        in_file=FileValue.FLAG,
        shown=_promotional,
    ),
    _message(
        "validity",
        _("Validity period"),
        card=Card.SMS,
        column=True,
        default=limits.VALIDITY_MAX,
        keeps_saved=True,
        in_file=NUMBER,
    ),
    _message(
        "tariff",
        _("Tariff"),
        card=Card.WHEN,
        column=True,
        default=0,
        keeps_saved=True,
        in_file=NUMBER,
    ),
    _variants(
        "variants",
        _("Variants"),
        default=(),
        in_file=FileValue.VARIANTS,
        shown=_variants_shown,
    ),
    _variants("variant_split", _("How to divide"), default=VariantSplit.TEST, in_file=TEXT),
    _variants("test_share", _("Share of the test, in per cent"), default=20, in_file=NUMBER),
    _variants("decision_measure", _("What decides"), default=DecisionMeasure.READ, in_file=TEXT),
    _variants("decision_hours", _("Hours until the decision"), default=4, in_file=NUMBER),
    _variants(
        "decides_itself",
        _("Who decides"),
        default=True,
        in_file=FileValue.FLAG,
        shown=_decides_itself,
    ),
    _audience("lists", _("Lists")),
    _audience("exclude_lists", _("Exclude lists")),
    _audience("segments", _("Segments")),
    _audience("exclude_segments", _("Exclude segments")),
    _audience("campaigns", _("Earlier campaigns"), in_file=FileValue.CAMPAIGNS),
    _audience("exclude_campaigns", _("Exclude earlier campaigns"), in_file=FileValue.CAMPAIGNS),
    _when("timing", _("When"), column=True, default=Timing.NOW),
    _when("scheduled_at", _("Date and time"), in_file=FileValue.TIME),
    DraftField("local_at", approved=True, in_file=FileValue.LOCAL_TIME),
    # in an approval it stands with the campaign that is followed (launch/approval.py)
    _when("follow_hours", _("Hours after"), column=True, default=None, approved=False),
    _when("time_zone", _("Time zone"), column=True, copied=Copied.ALWAYS),
    _limit("budget", _("Budget"), in_file=FileValue.AMOUNT, shown=_budget),
    _limit("sends_from", _("Not before")),
    _limit("sends_until", _("Not after")),
    _limit("rate", _("Send rate, per second"), in_file=NUMBER),
    DraftField("made_from", copied=Copied.ALWAYS),
    DraftField("new_sender", copied=Copied.ALWAYS),
)
LABELS = {field.name: field.label for field in FIELDS}
# where a link stands
LINK_LABELS = {"button_url": LABELS["button_caption"]} | {
    name: LABELS[name] for name in ("text", "sms_text")
}
VARIANTS = tuple(field.name for field in FIELDS if field.card is Card.VARIANTS)
AUDIENCE = tuple(field.name for field in FIELDS if field.card is Card.AUDIENCE)
SAVED_CHOICES = tuple(field.name for field in FIELDS if field.in_file is NAMES)
