"""The form fields of the variants of a message."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from campaigns.compose.editor.form_fields import clean_text
from campaigns.compose.message import links
from campaigns.compose.message.pictures import stored_picture_url
from campaigns.compose.message.variants import (
    DIFFERING,
    LETTERS,
    LIBRARY_IMAGE,
    NO_IMAGE,
    OTHER_IMAGE,
    SAME_IMAGE,
)
from campaigns.compose.models import Campaign, DecisionMeasure, Picture, VariantSplit
from campaigns.gateway import limits

OTHERS = LETTERS[1:]
SHARE_MAX = 90  # per cent: more leaves hardly anybody to get the winner
HOURS_MAX = 7 * 24
LENGTHS = {
    "text": 10_000,  # far more than can be sent: what is too long is said, and not lost
    "button_caption": 100,
    "button_url": 2000,
    "image": 7,
    "image_url": limits.URL_MAX,
    "image_file": 100,
}
PARTS = (*DIFFERING, "image_file")  # of a variant with an image of the library
IMAGES = (
    (SAME_IMAGE, _("As in A")),
    (NO_IMAGE, _("No image")),
    (LIBRARY_IMAGE, _("From the library")),
    (OTHER_IMAGE, _("From the web")),
)


class VariantInputs(forms.Widget):
    """The inputs of the composer, such as `variant_B_text`. Programs give the whole list, as it is
    or as JSON.
    """

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        whole = data.get(name)
        if isinstance(whole, list) or (isinstance(whole, str) and whole.startswith("[")):
            return whole
        return [
            {part: data.get(f"variant_{letter}_{part}", "") for part in PARTS}
            for letter in OTHERS
            if f"variant_{letter}_text" in data
        ]


class VariantsField(forms.Field):
    """Variants B to D, in their order, each with the texts of PARTS."""

    widget = VariantInputs

    def to_python(self, value: Any) -> list[dict[str, str]]:
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                value = None
        if not isinstance(value, list | tuple):
            raise ValidationError(_("Variants must be a list."))
        if len(value) > len(OTHERS):
            raise ValidationError(_("Use at most four variants: A, and three more."))
        return [_clean_variant(variant) for variant in value]


def _clean_variant(variant: Any) -> dict[str, str]:
    if not isinstance(variant, dict) or not variant.keys() <= set(PARTS):
        raise ValidationError(_("A variant has a text, a button with its link, and an image."))
    texts = {part: clean_text(str(variant.get(part) or "")).strip() for part in PARTS}
    if not all(limits.is_encodable(text) and "\0" not in text for text in texts.values()):
        raise ValidationError(_("The text contains a broken character. Delete it."))
    texts["image"] = texts["image"] or SAME_IMAGE
    if texts["image"] not in dict(IMAGES):
        raise ValidationError(_("Choose which image a variant has."))
    if any(len(text) > LENGTHS[part] for part, text in texts.items()):
        raise ValidationError(_("A text of a variant is far too long."))
    file = texts.pop("image_file")
    if texts["image"] == LIBRARY_IMAGE:
        if file and not Picture.objects.filter(file=file).exists():
            raise ValidationError(_("This image is not in the library any more. Choose another."))
        texts |= {"image_url": "", "image_file": file}
    return texts


@dataclass(frozen=True, slots=True)
class VariantBlock:
    """The inputs of one variant. `is_there`: the message has it; else it can be added."""

    letter: str
    values: Mapping[str, str]
    is_there: bool


class VariantsForm(forms.Form):
    """What differs between variants, and how the best of them is found."""

    variants = VariantsField(required=False)
    variant_split = forms.ChoiceField(
        required=False,
        choices=VariantSplit.choices,
        initial=VariantSplit.TEST,
        widget=forms.RadioSelect,
    )
    test_share = forms.IntegerField(
        required=False, min_value=1, max_value=SHARE_MAX, initial=20,
        help_text=_("Per cent of the audience, divided evenly between the variants."),
    )  # fmt: skip
    decision_measure = forms.ChoiceField(
        required=False,
        choices=DecisionMeasure.choices,
        initial=DecisionMeasure.READ,
        widget=forms.RadioSelect,
    )
    decision_hours = forms.IntegerField(
        required=False, min_value=1, max_value=HOURS_MAX, initial=4,
        help_text=_("From the last message of the test on."),
    )  # fmt: skip
    decides_itself = forms.TypedChoiceField(
        choices=[("True", _("ViberDash decides")), ("False", _("I decide"))],
        coerce=lambda value: value == "True",
        initial="True",
        required=False,
        widget=forms.RadioSelect,
    )

    @property
    def variant_images(self) -> Collection[tuple[str, Any]]:
        """The images on offer for a variant."""
        return IMAGES

    @property
    def variant_blocks(self) -> list[VariantBlock]:
        """Those of B, C and D, whether the message has them or not."""
        values = self["variants"].value() or []
        there = values if isinstance(values, list) else []
        return [
            VariantBlock(letter, there[place] if place < len(there) else {}, place < len(there))
            for place, letter in enumerate(OTHERS)
        ]


def complete(
    variants: Collection[Mapping[str, str]],
    campaign: Campaign,
    utm: Mapping[str, str],
    locked: Collection[str],
    base_url: str,
) -> list[dict[str, str]]:
    """`variants` as they are stored: with the UTM parameters `utm`, the addresses of images of the
    library on the site at `base_url`, and what a template locks as in A.
    """
    completed = []
    for variant in variants:
        stored = {**variant}
        stored["button_url"] = links.set_utm(links.read_pasted(variant["button_url"]), utm)
        for name in ("text", "button_caption", "button_url"):
            if name in locked:
                stored[name] = getattr(campaign, name)
        if "image" in locked:
            stored |= {"image": SAME_IMAGE, "image_url": ""}
        if stored["image"] != LIBRARY_IMAGE:
            stored.pop("image_file", None)
        elif stored["image_file"]:
            stored["image_url"] = stored_picture_url(base_url, stored["image_file"])
        completed.append(stored)
    return completed
