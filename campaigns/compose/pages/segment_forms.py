"""The form of a segment: its name, and a row for each condition with the fields of its kind.

Buttons that post the whole form add and remove rows, so nothing is lost and no script is needed.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crispy_forms.helper import FormHelper
from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.compose.audience.condition_values import DAYS_MAX, OPERATORS, stored_value
from campaigns.compose.audience.segments import (
    OUTCOME_TEXTS,
    SELECTABLE_CAMPAIGNS,
    ConditionSet,
    import_label,
)
from campaigns.compose.models import Campaign, Condition, ConditionKind, Match, Segment
from campaigns.contacts.choosable_lists import choosable_lists
from campaigns.contacts.field_types import list_fields
from campaigns.contacts.models import Consent, FieldType, Import, ImportState
from campaigns.contacts.people import languages
from campaigns.contacts.people.topics import topics_in_use
from campaigns.contacts.phones import countries
from campaigns.team.pages.brands.forms import BrandChoices, NameInBrand
from campaigns.team.pages.forms import PickerSelect

if TYPE_CHECKING:
    ConditionModelForm = forms.ModelForm[Condition]
    SegmentModelForm = forms.ModelForm[Segment]
    Imports = forms.ModelChoiceField[Import]
else:
    Imports = forms.ModelChoiceField
    ConditionModelForm = SegmentModelForm = forms.ModelForm

ROWS_MAX = 30
CHOICES_MAX = 200  # imports and campaigns to choose from: the newest
CHECK = {"class": "form-check-input"}
# stands for the unknown country or language, because "" means that nothing is chosen
UNKNOWN = "-"
COLUMNS = {  # the fields of a row, by the kind of its condition
    ConditionKind.FIELD: ("field", "operator", "value"),
    ConditionKind.COUNTRY: ("negated", "countries"),
    ConditionKind.LIST: ("negated", "list"),
    ConditionKind.IMPORT: ("negated", "source"),
    ConditionKind.MESSAGES: ("verdict", "campaign", "sender", "days"),
    ConditionKind.CONSENT: ("negated", "value"),
    ConditionKind.LANGUAGE: ("negated", "value"),
    ConditionKind.TOPIC: ("negated", "value"),
}
VERBS = {
    ConditionKind.COUNTRY: (gettext_lazy("is"), gettext_lazy("is not")),
    ConditionKind.LIST: (gettext_lazy("is on"), gettext_lazy("is not on")),
    ConditionKind.IMPORT: (gettext_lazy("added by"), gettext_lazy("not added by")),
    ConditionKind.CONSENT: (gettext_lazy("is"), gettext_lazy("is not")),
    ConditionKind.LANGUAGE: (gettext_lazy("is"), gettext_lazy("is not")),
    ConditionKind.TOPIC: (gettext_lazy("wants"), gettext_lazy("does not want")),
}


class ImportChoiceField(Imports):
    def label_from_instance(self, obj: Import) -> str:
        return import_label(obj)


class ConditionForm(BrandChoices, ConditionModelForm):
    """One row. Its condition is always of `kind`, whatever is posted."""

    negated = forms.TypedChoiceField(
        label=_("Condition"), coerce=lambda value: value == "True", required=False
    )
    countries = forms.MultipleChoiceField(
        label=gettext_lazy("Countries"),
        widget=forms.CheckboxSelectMultiple(CHECK),
        error_messages={"required": gettext_lazy("Choose a country.")},
    )
    source = ImportChoiceField(
        Import.objects.none(),
        label=gettext_lazy("Import"),
        widget=PickerSelect(gettext_lazy("Search imports")),
        error_messages={"required": gettext_lazy("Choose an import.")},
    )
    verdict = forms.ChoiceField(label=gettext_lazy("Result"))
    days = forms.IntegerField(
        label=gettext_lazy("In the last … days"), required=False, min_value=1, max_value=DAYS_MAX
    )

    class Meta:
        model = Condition
        fields = (
            "field",
            "operator",
            "value",
            "negated",
            "countries",
            "list",
            "source",
            "campaign",
            "sender",
            "days",
        )
        widgets = {
            "list": PickerSelect(gettext_lazy("Search lists"), "contact_count"),
            "campaign": PickerSelect(gettext_lazy("Search campaigns")),
        }

    def __init__(
        self, kind: ConditionKind, data: Mapping[str, Any] | None = None, **options: Any
    ) -> None:
        super().__init__(data, auto_id="id_%s", **options)
        self.kind = self.instance.kind = kind
        self.helper: FormHelper = FormHelper()
        self.helper.form_tag = False
        for name in set(self.fields) - set(COLUMNS[kind]):
            del self.fields[name]
        getattr(self, f"_for_{kind}")()
        self.order_fields(COLUMNS[kind])

    def _for_field(self) -> None:
        self.types = list_fields.common_types()
        names = self.types.keys() | {self.instance.field} - {""}
        self.fields["field"] = forms.ChoiceField(
            label=_("Merge tag"), choices=[(name, self._label(name)) for name in sorted(names)]
        )
        self.fields["operator"] = forms.ChoiceField(label=_("Condition"), choices=OPERATORS)
        self.fields["value"].label = _("Value")

    def _label(self, name: str) -> str:
        kind = self.types.get(name, FieldType.TEXT)
        return name if kind == FieldType.TEXT else f"{name} ({kind.label})"

    def _for_country(self) -> None:
        codes = {
            code
            for list_codes in choosable_lists().values_list("countries", flat=True)
            for code in list_codes
        }
        named = [
            (code, countries.name(code) or _("Unknown"))
            for code in codes | set(self.instance.countries)
        ]
        self.fields["countries"].choices = sorted(  # type: ignore[attr-defined]
            [(code or UNKNOWN, name) for code, name in named], key=lambda pair: pair[1]
        )
        self.initial["countries"] = [
            code or UNKNOWN for code in self.initial.get("countries") or ()
        ]
        self._has_verbs()

    def _for_list(self) -> None:
        self._required("list", _("Choose a list."))
        self._has_verbs()

    def _for_import(self) -> None:
        finished = Import.objects.filter(state=ImportState.FINISHED).order_by("-pk")
        newest = list(finished.values_list("pk", flat=True)[:CHOICES_MAX])
        self.fields["source"].queryset = finished.filter(pk__in=[*newest, self.instance.source_id])  # type: ignore[attr-defined]
        self._has_verbs()

    def _for_messages(self) -> None:
        choices = [(_verdict(*key), label) for key, label in OUTCOME_TEXTS.items()]
        self.fields["verdict"].choices = choices  # type: ignore[attr-defined]
        newest = list(
            Campaign.objects.filter(SELECTABLE_CAMPAIGNS)
            .order_by("-pk")
            .values_list("pk", flat=True)[:CHOICES_MAX]
        )
        campaign, sender = self.fields["campaign"], self.fields["sender"]
        chosen = Campaign.objects.filter(pk__in=[*newest, self.instance.campaign_id])
        campaign.queryset = chosen  # type: ignore[attr-defined]
        campaign.empty_label = _("Any campaign")  # type: ignore[attr-defined]
        sender.empty_label = _("Any sender")  # type: ignore[attr-defined]
        campaign.label, sender.label = _("Campaign"), _("Sender")
        self.fields["days"].widget.attrs["placeholder"] = _("any time")
        if self.instance.outcome:
            self.initial["verdict"] = _verdict(self.instance.outcome, self.instance.negated)

    def _for_consent(self) -> None:
        self._has_value(_("Consent"), Consent.choices, _("Choose the consent."))

    def _for_language(self) -> None:
        choices = [(UNKNOWN, _("Not known")), *languages.choices()]
        self._has_value(_("Language"), choices, _("Choose a language."))
        if self.instance.segment_id and not self.instance.value:
            self.initial["value"] = UNKNOWN

    def _for_topic(self) -> None:
        in_use = {*topics_in_use(), self.instance.value} - {""}
        choices = [(topic, topic) for topic in sorted(in_use)]
        self._has_value(_("Topic"), choices, _("Choose a topic."))

    def _has_value(self, label: str, choices: Sequence[tuple[str, Any]], message: str) -> None:
        self.fields["value"] = forms.ChoiceField(
            label=label, choices=choices, error_messages={"required": message}
        )
        self._has_verbs()

    def _has_verbs(self) -> None:
        verbs = zip((False, True), VERBS[self.kind], strict=True)
        self.fields["negated"].choices = [(str(value), verb) for value, verb in verbs]  # type: ignore[attr-defined]
        self.initial["negated"] = str(self.initial.get("negated", False))

    def _required(self, name: str, message: str) -> None:
        self.fields[name].required, self.fields[name].error_messages["required"] = True, message
        self.fields[name].empty_label = None  # type: ignore[attr-defined]

    def clean_countries(self) -> list[str]:
        return ["" if code == UNKNOWN else code for code in self.cleaned_data["countries"]]

    def clean_value(self) -> str:
        value = str(self.cleaned_data["value"])
        return "" if self.kind == ConditionKind.LANGUAGE and value == UNKNOWN else value

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if self.kind == ConditionKind.MESSAGES and "verdict" in data:
            self.instance.outcome = data["verdict"].rstrip("!")
            self.instance.negated = data["verdict"].endswith("!")
        if self.kind == ConditionKind.FIELD and "operator" in data and "value" in data:
            try:
                kind = self.types.get(data.get("field", ""), FieldType.TEXT)
                data["value"] = stored_value(data["operator"], data["value"], kind)
            except forms.ValidationError as error:
                self.add_error("value", error)
        return data


def _verdict(outcome: str, negated: bool) -> str:
    return f"{outcome}!" if negated else str(outcome)


class SegmentForm(NameInBrand, SegmentModelForm):
    """The name, how conditions are combined, and their `rows`: (key, form), as posted or as
    saved.
    """

    class Meta:
        model = Segment
        fields = ("name", "match")
        widgets = {"match": forms.RadioSelect(CHECK)}
        error_messages = {"name": {"required": gettext_lazy("Enter a name for the segment.")}}

    def __init__(self, data: QueryDict | None = None, *, instance: Segment | None = None) -> None:
        super().__init__(data, instance=instance)
        self.helper: FormHelper = FormHelper()
        self.helper.form_tag = False
        self.rows = _posted(data) if data is not None else _saved(self.instance)

    def rows_are_valid(self) -> bool:
        """Whether there are rows, and all of them are valid."""
        return bool(self.rows) and all(row.is_valid() for _key, row in self.rows)

    @property
    def choice(self) -> ConditionSet:
        """The conditions as a choice of contacts. Call `rows_are_valid` first."""
        match = self["match"].value()
        return ConditionSet(
            [row.instance for _key, row in self.rows], match if match in Match.values else Match.ALL
        )

    def hide_errors(self) -> None:
        """Show the name as typed, without errors: the user pressed another button than Save."""
        self.initial = {**self.initial, **_typed(self)}
        self.is_bound = False

    def reshape(self) -> None:
        """Add or remove a row, as the pressed button says. What was typed stays, without errors."""
        self.hide_errors()
        self.rows = [
            (key, ConditionForm(row.kind, initial=_typed(row), prefix=key))
            for key, row in self.rows
            if key != self.data.get("remove")
        ]
        kind = self.data.get("add")
        if kind in ConditionKind.values and len(self.rows) < ROWS_MAX:
            key = _free_key([key for key, _row in self.rows])
            self.rows.append((key, ConditionForm(ConditionKind(kind), prefix=key)))


def _posted(data: QueryDict) -> list[tuple[str, ConditionForm]]:
    """The rows that the posted "row" values name, such as "c3:country", in that order."""
    rows: dict[str, ConditionForm] = {}
    for row in data.getlist("row")[:ROWS_MAX]:
        key, _colon, kind = row.partition(":")
        if re.fullmatch(r"c[0-9]{1,3}", key) and kind in ConditionKind.values:
            rows[key] = ConditionForm(ConditionKind(kind), data, prefix=key)
    return list(rows.items())


def _saved(segment: Segment) -> list[tuple[str, ConditionForm]]:
    conditions = (
        list(segment.conditions.all()) if segment.pk else [Condition(kind=ConditionKind.FIELD)]
    )
    return [
        (f"c{number}", ConditionForm(ConditionKind(row.kind), instance=row, prefix=f"c{number}"))
        for number, row in enumerate(conditions)
    ]


def _typed(row: forms.BaseForm) -> dict[str, Any]:
    widgets = {name: field.widget for name, field in row.fields.items()}
    return {
        name: widget.value_from_datadict(row.data, {}, row.add_prefix(name))
        for name, widget in widgets.items()
    }


def _free_key(keys: list[str]) -> str:
    return f"c{max((int(key[1:]) for key in keys), default=-1) + 1}"
