"""What a request says of a draft, read into the form of the composer, which checks it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from pydantic import Field, Strict, StringConstraints

from campaigns.api.access import actor
from campaigns.api.problems import FieldError, Problem
from campaigns.api.schemas import ID_MAX, NO_NUL, Amount, Body, Flag, Moment, StrictId, Text
from campaigns.compose.draft_fields import SAVED_CHOICES
from campaigns.compose.editor.campaign_file import READERS, UnusableFile
from campaigns.compose.editor.form import CampaignForm
from campaigns.compose.editor.initial_values import initial_of
from campaigns.compose.message.links import UTM_NAMES
from campaigns.compose.models import (
    Campaign,
    CampaignTemplate,
    DecisionMeasure,
    Picture,
    RecipientOutcome,
    Timing,
    VariantSplit,
)
from campaigns.compose.pages.draft_request import base_url
from campaigns.team.roles import visible_to

CHOICES_MAX = 200

Number = Annotated[int, Strict(), Field(ge=0, le=ID_MAX)]
Choices = Annotated[
    list[StrictId | Annotated[str, StringConstraints(min_length=1, pattern=NO_NUL)]],
    Field(max_length=CHOICES_MAX, description="Ids or names."),
]
LocalTime = Annotated[
    str,
    StringConstraints(pattern="^(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}$"),
    Field(description="The recipient's local time: 2030-01-31T09:00. Sets `timing` to `local`."),
]
Hours = Annotated[
    str,
    StringConstraints(pattern="^[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$"),
    Field(description="In the recipient's local time: 09:00-21:00. null: at any hour."),
]


class AudienceSourceIn(Body):
    campaign: StrictId
    outcome: RecipientOutcome = RecipientOutcome.ALL


Sources = Annotated[list[AudienceSourceIn], Field(max_length=CHOICES_MAX)]


class VariantIn(Body):
    """Variant B, C or D: what differs from the campaign's own message, which is A."""

    text: Text = ""
    button_caption: Text = ""
    button_url: Text = ""
    image: Annotated[
        Literal["same", "none", "url", "library"],
        Field(description="That of A, none, what is at `image_url`, or `picture_id`."),
    ] = "same"
    image_url: Text = ""
    picture_id: Annotated[StrictId | None, Field(description="An image of the library.")] = None


class CampaignChanges(Body):
    """Fields that are not named stay as they are; null is the default."""

    name: Text = ""
    sender: Annotated[Text, Field(description="The name of one of the senders.")] = ""
    text: Annotated[Text, Field(description="With merge tags: {first_name|friend}.")] = ""
    picture_id: Annotated[StrictId | None, Field(description="An image of the library.")] = None
    image_url: Text | None = None
    button_caption: Text | None = None
    button_url: Text | None = None
    track_links: Flag | None = None
    untracked_links: Annotated[
        list[Text] | None,
        Field(max_length=100, description="As they stand in the texts; `button`: the button's."),
    ] = None
    track_conversions: Annotated[
        Flag | None, Field(description="Tracked links get the parameter `vd_click`.")
    ] = None
    sms_sender: Text | None = None
    sms_text: Text | None = None
    promotional: Flag | None = None
    validity: Annotated[Number | None, Field(description="Seconds.")] = None
    tariff: Number | None = None
    variants: Annotated[list[VariantIn] | None, Field(max_length=3, description="B, C and D.")] = (
        None
    )
    variant_split: Annotated[
        VariantSplit | None,
        Field(description="`test`: the rest gets the winner; `even`: the audience is divided."),
    ] = None
    test_share: Annotated[Number | None, Field(description="Per cent of the audience.")] = None
    decision_measure: DecisionMeasure | None = None
    decision_hours: Number | None = None
    decides_itself: Annotated[Flag | None, Field(description="false: a user decides.")] = None
    lists: Choices | None = None
    exclude_lists: Choices | None = None
    segments: Choices | None = None
    exclude_segments: Choices | None = None
    campaigns: Sources | None = None
    exclude_campaigns: Sources | None = None
    timing: Annotated[
        Timing | None,
        Field(description="`now`, or by the time that is given; `gateway`: BSG waits for it."),
    ] = None
    scheduled_at: Moment | None = None
    follow_hours: Annotated[
        Number | None, Field(description="Of a follow-up, with the timing `after`.")
    ] = None
    local_at: LocalTime | None = None
    time_zone: Text | None = None
    sending_hours: Hours | None = None
    budget: Amount | None = None
    rate: Annotated[Number | None, Field(description="Recipients per second.")] = None


class CampaignIn(CampaignChanges):
    """A new draft. The template's message is the default of the fields that are not named."""

    template_id: StrictId | None = None


# null in a request: the values of the form; of other fields ""
_EMPTY: dict[str, dict[str, Any]] = {
    "picture_id": {"image": ""},
    "scheduled_at": {"timing": Timing.NOW, "scheduled_at": ""},
    "local_at": {"timing": Timing.NOW, "scheduled_at": ""},
    "timing": {"timing": Timing.NOW},
    "sending_hours": {"sends_from": "", "sends_until": ""},
    "untracked_links": {"untracked_links": []},
    "variants": {"variants": []},
    **{name: {name: []} for name in (*SAVED_CHOICES, "campaigns", "exclude_campaigns")},
}
_NAMES = {  # of the form -> of the API
    "picture": "picture_id",
    "image": "picture_id",
    "sends_from": "sending_hours",
    "sends_until": "sending_hours",
    **dict.fromkeys(UTM_NAMES, "button_url"),
}


def new_form(request: HttpRequest, body: CampaignIn) -> CampaignForm:
    """The valid form of a new draft. Raises Problem."""
    template = None
    if body.template_id is not None:
        templates = visible_to(actor(request), CampaignTemplate.objects.all())
        template = templates.filter(pk=body.template_id).first()
        if template is None:
            raise Problem(422, "invalid", _NO_TEMPLATE.message, [_NO_TEMPLATE])
    start = {"timing": Timing.NOW, **(template.content if template else {})}
    return _valid(request, start, body, made_from=template)


_NO_TEMPLATE = FieldError("template_id", "not_found", "There is no such template.")


def changed_form(request: HttpRequest, campaign: Campaign, body: CampaignChanges) -> CampaignForm:
    """The valid form of `campaign`, which is locked, with the changes. Raises Problem."""
    start = initial_of(campaign) | {"budget": campaign.budget}
    return _valid(request, start, body, campaign=campaign)


def _valid(
    request: HttpRequest, start: Mapping[str, Any], body: CampaignChanges, **options: Any
) -> CampaignForm:
    changes = body.model_dump(mode="json", exclude_unset=True, exclude={"template_id"})
    data, errors = _read(request, changes)
    form = CampaignForm(
        {**start, **data}, actor=actor(request), base_url=base_url(request), **options
    )
    locked = sorted({_NAMES.get(name, name) for name in form.locked} & changes.keys())
    text = "The template of this campaign keeps this field as it is."
    errors += [FieldError(name, "locked", text) for name in locked]
    if not form.is_valid():
        named = {error.field for error in errors}
        errors += [error for error in _form_errors(form) if error.field not in named]
    if errors:
        raise Problem(422, "invalid", errors[0].message, errors)
    return form


def _form_errors(form: CampaignForm) -> list[FieldError]:
    times = "local_at" if form.data.get("timing") == Timing.LOCAL else "scheduled_at"
    names = {**_NAMES, "scheduled_at": times}
    return [
        FieldError(names.get(name, name), error.code or "invalid", " ".join(error.messages))
        for name, errors in form.errors.as_data().items()
        for error in errors
    ]


def _read(
    request: HttpRequest, changes: Mapping[str, Any]
) -> tuple[dict[str, Any], list[FieldError]]:
    """The form's values for `changes`, and what no form can hold."""
    data: dict[str, Any] = {}
    errors = _contradictions(changes)
    # what is emptied first: it may be the other one of two fields for the same
    for name, value in sorted(changes.items(), key=lambda item: item[1] is not None):
        try:
            data |= _value(request, name, value)
        except UnusableFile as error:
            errors.append(FieldError(name, "invalid", str(error)))
    if timing := changes.get("timing"):
        data["timing"] = timing
    return data, errors


def _contradictions(changes: Mapping[str, Any]) -> list[FieldError]:
    local = changes.get("local_at") is not None
    fixed = changes.get("scheduled_at") is not None
    timing = changes.get("timing")
    if local and (fixed or timing not in (None, Timing.LOCAL)):
        text = "local_at goes neither with scheduled_at nor with another timing than local."
        return [FieldError("local_at", "contradiction", text)]
    if fixed and timing in (Timing.NOW, Timing.LOCAL):
        text = "scheduled_at goes with the timing at or gateway."
        return [FieldError("scheduled_at", "contradiction", text)]
    return []


def _picture_file(request: HttpRequest, picture_id: int) -> str:
    picture = visible_to(actor(request), Picture.objects.all()).filter(pk=picture_id).first()
    if picture is None:
        raise UnusableFile("There is no such image.")
    return str(picture.file)


def _variant(request: HttpRequest, variant: Mapping[str, Any]) -> dict[str, Any]:
    """A variant as the form takes it. Raises UnusableFile."""
    texts = dict(variant)
    picture_id = texts.pop("picture_id", None)
    if (texts.get("image") == "library") != (picture_id is not None):
        raise UnusableFile("picture_id goes with the image library, and with no other.")
    return texts | ({"image_file": _picture_file(request, picture_id)} if picture_id else {})


def _value(request: HttpRequest, name: str, value: Any) -> dict[str, Any]:
    """The form's values for one field. Raises UnusableFile."""
    if value is None:
        return _EMPTY.get(name, {name: ""})
    if name in SAVED_CHOICES:
        names = [choice for choice in value if isinstance(choice, str)]
        ids = [choice for choice in value if isinstance(choice, int)]
        return {name: [*ids, *(READERS[name](name, names)[name] if names else ())]}
    if name == "picture_id":
        return {"image": _picture_file(request, value), "image_url": ""}
    if name == "variants":
        return {name: [_variant(request, variant) for variant in value]}
    if name == "budget":  # all places, so that 1.234 is no thousand in any language
        whole, _point, decimals = value.partition(".")
        return {name: f"{whole}.{decimals:0<7}"}
    if name not in READERS:  # time_zone, timing
        return {name: value}
    read = READERS[name](name, value)
    if name == "button_url":
        read |= dict.fromkeys(UTM_NAMES, "")  # those of the link before
    return read
