"""The form with which users say which consents an import writes."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.contacts.consent import wordings
from campaigns.contacts.consent.mapping import CONSENT, DAY, PARTS, SOURCE, WORDING, ConsentMapping
from campaigns.contacts.field_types.value_formats import ValueFormat
from campaigns.contacts.importing.reading.consent_columns import propose_consent

NOTHING, EVERYBODY, COLUMN = "", "everybody", "column"
ORDERS = (ValueFormat.DAY_FIRST, ValueFormat.MONTH_FIRST)


class ConsentForm(forms.Form):
    """Which consents the file has: of everybody in it, or as its columns say.

    `names`: those of the columns. `present`: what was chosen before.
    """

    use = forms.ChoiceField(
        label=gettext_lazy("Consent in this file"),
        choices=(
            (NOTHING, gettext_lazy("The file says nothing about consent")),
            (EVERYBODY, gettext_lazy("Everybody in this file agreed")),
            (COLUMN, gettext_lazy("A column says who agreed")),
        ),
        required=False,
    )
    consent_column = forms.ChoiceField(
        label=gettext_lazy("Column with yes or no"),
        required=False,
        help_text=gettext_lazy(
            "Yes: consent given. No: withdrawn, the phone goes to the stop list. Empty: unknown."
        ),
    )
    day = forms.DateField(
        label=gettext_lazy("Day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("Of all, or of rows without a day of their own."),
    )
    day_column = forms.ChoiceField(label=gettext_lazy("Column with the day"), required=False)
    day_format = forms.ChoiceField(
        label=gettext_lazy("Dates in this column"),
        required=False,
        choices=(("", gettext_lazy("As their values suggest")), *((o, o.label) for o in ORDERS)),
    )
    source = forms.CharField(
        label=gettext_lazy("How it was given"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Such as: form on the website."),
    )
    source_column = forms.ChoiceField(label=gettext_lazy("Column with the source"), required=False)
    known_wording = forms.ChoiceField(
        label=gettext_lazy("Wording that was used before"), required=False
    )
    wording = forms.CharField(
        label=gettext_lazy("What they agreed to, word for word"),
        required=False,
        max_length=wordings.WORDING_MAX,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    wording_column = forms.ChoiceField(
        label=gettext_lazy("Column with the wording"), required=False
    )

    def __init__(
        self,
        names: list[str],
        present: ConsentMapping | None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=_initial(names, present), prefix="consent")
        columns = [("", _("No column")), *((str(place), name) for place, name in enumerate(names))]
        for part in PARTS:
            self.fields[f"{part}_column"].choices = columns  # type: ignore[attr-defined]
        if known := wordings.choices():
            none = ("", _("None of these"))
            self.fields["known_wording"].choices = [none, *known]  # type: ignore[attr-defined]
        else:
            del self.fields["known_wording"]

    @property
    def is_open(self) -> bool:
        """Whether the section is shown unfolded."""
        return bool(self["use"].value())

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data.get("use") == COLUMN and not data.get("consent_column"):
            self.add_error("consent_column", _("Choose the column that says who agreed."))
        if wording_id := data.get("known_wording"):
            chosen = wordings.text_of(wording_id)
            if wordings.clean(data.get("wording", "")) not in ("", chosen):
                text = _("Choose a wording above or enter one here, not both.")
                self.add_error("wording", text)
            data["wording"] = chosen
        if not self.errors and (mapping := self.mapping()):
            for part, text in mapping.find_problems():
                self.add_error("consent_column" if part == CONSENT else part, text)
        return data

    def mapping(self) -> ConsentMapping | None:
        """What was chosen; None if no consents are to be written."""
        data = self.cleaned_data
        if not data["use"]:
            return None
        parts = PARTS if data["use"] == COLUMN else (DAY, SOURCE, WORDING)
        chosen = {part: data[f"{part}_column"] for part in parts}
        return ConsentMapping(
            columns={part: int(place) for part, place in chosen.items() if place},
            day=data["day"].isoformat() if data["day"] else "",
            source=data["source"],
            wording=wordings.clean(data["wording"]),
            day_format=ValueFormat(data["day_format"]) if data["day_format"] else None,
        )


def _initial(names: list[str], present: ConsentMapping | None) -> dict[str, Any]:
    """What was chosen before, or else what the names of the columns suggest, for whoever opens the
    section.
    """
    if present is None:
        return {f"{part}_column": str(place) for part, place in propose_consent(names).items()}
    return {
        "use": EVERYBODY if present.is_of_everybody else COLUMN,
        "day": present.day,
        "source": present.source,
        "wording": present.wording,
        "day_format": present.day_format or "",
        **{f"{part}_column": str(place) for part, place in present.columns.items()},
    }
