"""The forms of the Contacts pages: columns, list, contact, stop list."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout as FormLayout
from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from campaigns.contacts.choosable_lists import choosable_lists
from campaigns.contacts.field_types.value_formats import ValueFormat
from campaigns.contacts.importing import encodings
from campaigns.contacts.importing.column_mapping import (
    MAX_NAME,
    ColumnMapping,
    find_problems,
    without_texts,
)
from campaigns.contacts.importing.csv_reader import MAX_HEAD_ROWS, Layout
from campaigns.contacts.importing.reading.cell_values import CellRules
from campaigns.contacts.models import ContactList, FieldType
from campaigns.contacts.phones import countries
from campaigns.team.pages.brands.forms import NameInBrand
from campaigns.team.pages.forms import PickerSelect

if TYPE_CHECKING:
    ListModelForm = forms.ModelForm[ContactList]
else:
    ListModelForm = forms.ModelForm

PASTE_MAX = 2_000_000  # characters
STOP_FILE_MAX = 10 << 20  # bytes: some seconds of work, which the page waits for
DELIMITERS = ((",", _("Comma ,")), (";", _("Semicolon ;")), ("\t", _("Tab")), ("|", _("Pipe |")))
ENCODINGS = [(name, name.upper()) for name in encodings.CHOICES]
QUOTES = (('"', _('Double "')), ("'", _("Single '")), ("", _("None")))
NAME_TAKEN = _("A list with this name already exists. Choose it above or enter another name.")
SKIP, PHONE, FIELD = "skip", "phone", "field"
NO_TYPES: Mapping[str, FieldType] = MappingProxyType({})
ROLES = ((PHONE, _("Phone")), (FIELD, _("Merge tag")), (SKIP, _("Skip")))


def form_helper(*fields: str, submit: Any = None) -> FormHelper:
    """The crispy layout of a form; without `submit` the template has its own <form> and buttons."""
    helper: FormHelper = FormHelper()
    helper.form_method = "post"
    helper.form_tag = submit is not None
    buttons = [StrictButton(submit, type="submit", css_class="btn-primary")] if submit else []
    helper.layout = FormLayout(*fields, *buttons)
    return helper


def country_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=_("Country"),
        choices=countries.choices,
        initial=settings.DEFAULT_COUNTRY,
        help_text=_("Used for numbers without a country code."),
    )


class LayoutForm(forms.Form):
    """How a file is read: the sheet of a workbook, the encoding and delimiter of a text file."""

    encoding = forms.ChoiceField(label=_("Encoding"), choices=ENCODINGS)
    delimiter = forms.ChoiceField(label=_("Delimiter"), choices=DELIMITERS)
    quote = forms.ChoiceField(label=_("Quotation marks"), choices=QUOTES, required=False)
    first_row = forms.IntegerField(
        label=_("Table begins in row"),
        min_value=1,
        max_value=MAX_HEAD_ROWS + 1,
        initial=1,
        required=False,
    )
    header = forms.BooleanField(label=_("This row contains column names"), required=False)
    escape = forms.BooleanField(label=_("Backslash before quotation marks"), required=False)
    other_encoding = forms.ChoiceField(
        label=_("Encoding of other lines"),
        choices=[("", _("Replace unreadable letters")), *ENCODINGS],
        required=False,
    )

    def __init__(self, mapping: dict[str, Any], data: QueryDict | None = None) -> None:
        shown = {"first_row": mapping.get("skip_rows", 0) + 1}
        super().__init__(data, initial=mapping | shown)
        delimiter = mapping.get("delimiter", ",")
        if delimiter not in dict(DELIMITERS):
            other = (delimiter, _("Other %(sign)s") % {"sign": delimiter})
            self.fields["delimiter"] = forms.ChoiceField(
                label=_("Delimiter"), choices=[*DELIMITERS, other]
            )
        if not mapping.get("other_encoding"):
            del self.fields["other_encoding"]
        self.current_sheet = mapping.get("sheet", "")
        if len(sheets := mapping.get("sheets", ())) > 1:
            self.fields["sheet"] = forms.ChoiceField(
                label=_("Sheet"), choices=[(name, name) for name in sheets]
            )
        if self.current_sheet:
            del self.fields["encoding"]  # a workbook has been converted to UTF-8
        self.order_fields(["sheet", "encoding", "other_encoding"])

    def other_sheet(self) -> str:
        """The newly chosen sheet; empty if it is the current one."""
        sheet = self.cleaned_data.get("sheet", "")
        return "" if sheet == self.current_sheet else str(sheet)

    def layout(self) -> Layout:
        """The chosen layout. A tab as delimiter survives: choice fields are not stripped."""
        names = ("encoding", "delimiter", "quote", "header", "other_encoding")
        data = self.cleaned_data
        return Layout(
            **{name: data[name] for name in names if name in data},
            skip_rows=(data.get("first_row") or 1) - 1,
            escape="\\" if data.get("escape") and data.get("quote") else "",
        )


class ColumnsForm(forms.Form):
    """What each column of a file is used as: fields role_0, name_0, format_0, role_1, …

    `types`: those of the fields that the list has, which stay.
    """

    country = country_field()
    existing = forms.ChoiceField(
        label=_("Contacts already on the list"),
        choices=(("update", _("Update their merge tags")), ("keep", _("Keep them unchanged"))),
    )

    older_form = forms.BooleanField(
        label=_("Read older and domestic forms of numbers"),
        help_text=_("Such as 8 067… in Ukraine or 52 1… of Mexico."),
        required=False,
    )
    first_of_several = forms.BooleanField(
        label=_("Use the first valid number of a cell with several"), required=False
    )
    null_words = forms.BooleanField(
        label=_("Treat NULL, N/A, #N/A, NaN and - as no value"), required=False
    )

    def __init__(
        self,
        names: list[str],
        proposed: ColumnMapping,
        data: QueryDict | None = None,
        *,
        initial: dict[str, Any] | None = None,
        types: Mapping[str, FieldType] = NO_TYPES,
    ) -> None:
        initial = initial or {}
        super().__init__(data, initial=initial | initial.get("rules", {}))
        self.names = names
        self.proposed = proposed
        self.types = types
        for position, name in enumerate(names):
            self.fields[f"role_{position}"] = self._role_field(position, name)
            self.fields[f"name_{position}"] = self._tag_field(position, name)
            self.fields[f"format_{position}"] = self._format_field(position, name)

    def _role_field(self, position: int, name: str) -> forms.ChoiceField:
        phones, tags = self.proposed.phones, self.proposed.fields
        role = PHONE if position in phones else FIELD if position in tags else SKIP
        field = forms.ChoiceField(label=name, choices=ROLES, initial=role)
        label = _("Use of “%(column)s”") % {"column": name}
        field.widget.attrs |= {"class": "form-select", "aria-label": label}
        return field

    def _tag_field(self, position: int, name: str) -> forms.CharField:
        field = forms.CharField(
            label=name,
            required=False,
            max_length=MAX_NAME,
            initial=self.proposed.fields.get(position),
        )
        label = _("Merge tag of “%(column)s”") % {"column": name}
        field.widget.attrs |= {"class": "form-control", "aria-label": label}
        return field

    def _format_field(self, position: int, name: str) -> forms.ChoiceField:
        proposed = self.proposed.formats.get(position, ValueFormat.TEXT)
        field = forms.ChoiceField(
            label=name, choices=ValueFormat.choices, initial=proposed, required=False
        )
        label = _("Type of “%(column)s”") % {"column": name}
        field.widget.attrs |= {"class": "form-select", "aria-label": label}
        return field

    def columns(self) -> list[tuple[int, str, list[forms.BoundField]]]:
        """Position, name, and the fields for role, tag and type of each column."""
        return [
            (position, name, [self[f"{part}_{position}"] for part in ("role", "name", "format")])
            for position, name in enumerate(self.names)
        ]

    def clean(self) -> dict[str, Any]:
        for position, part, text in find_problems(self.mapping(), self.types):
            self.add_error(f"{part}_{position}", text)
        if not self._positions(PHONE):
            self.add_error(None, _("Choose the column with the phone numbers."))
        return self.cleaned_data

    def _format(self, position: int) -> ValueFormat:
        return ValueFormat(self.cleaned_data.get(f"format_{position}") or ValueFormat.TEXT)

    def _positions(self, role: str) -> list[int]:
        return [
            position
            for position in range(len(self.names))
            if self.cleaned_data.get(f"role_{position}") == role
        ]

    def rules(self) -> CellRules:
        """What may be guessed in cells."""
        return CellRules.from_json(self.cleaned_data)

    def mapping(self) -> ColumnMapping:
        """The chosen mapping; of several phone columns the proposed ones come first."""
        proposed = self.proposed.phones
        rank = {position: number for number, position in enumerate(proposed)}
        phones = sorted(
            self._positions(PHONE), key=lambda position: (rank.get(position, len(rank)), position)
        )
        tags = {
            position: (self.cleaned_data.get(f"name_{position}") or "").strip()
            for position in self._positions(FIELD)
        }
        formats = {position: self._format(position) for position in tags}
        return ColumnMapping(phones, tags, without_texts(formats))


class ListForm(NameInBrand, ListModelForm):
    class Meta:
        model = ContactList
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_helper("name", submit=_("Save"))


class PublicListForm(forms.Form):
    """What recipients are told of a list, if it is offered to them."""

    is_offered = forms.BooleanField(label=_("Offered to recipients"), required=False)
    name = forms.CharField(label=_("Public name"), max_length=100, required=False)
    description = forms.CharField(
        label=_("Description, optional"),
        max_length=300,
        required=False,
        help_text=_("What recipients get, and how often."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_helper("is_offered", "name", "description", submit=_("Save"))

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("is_offered") and not self.cleaned_data.get("name", "x"):
            self.add_error("name", _("Enter the name under which recipients see the list."))
        return self.cleaned_data


class PasteForm(forms.Form):
    phones = forms.CharField(
        label=_("Phones, one per line"),
        widget=forms.Textarea(attrs={"rows": 8}),
        max_length=PASTE_MAX,
    )
    country = country_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_helper("phones", "country", submit=_("Add"))


class StopListForm(forms.Form):
    phones = forms.CharField(
        label=_("Phones, one per line"),
        widget=forms.Textarea(attrs={"rows": 5}),
        max_length=PASTE_MAX,
        required=False,
    )
    file = forms.FileField(
        label=_("File with phones"),
        required=False,
        help_text=_("Any file type that can be imported, up to 10 MB."),
    )
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)
    country = country_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_helper(
            "phones", "file", "reason", "country", submit=_("Add to stop list")
        )

    def clean(self) -> dict[str, Any]:
        if (
            not self.cleaned_data.get("phones")
            and not self.cleaned_data.get("file")
            and not self.errors
        ):
            self.add_error("phones", _("Enter phones or choose a file."))
        file = self.cleaned_data.get("file")
        if file and file.size > STOP_FILE_MAX:
            self.add_error("file", _("The file is larger than 10 MB. Split it into smaller files."))
        return self.cleaned_data


class CopyForm(forms.Form):
    """The list that contacts are copied to: an existing or a new one."""

    into = forms.ModelChoiceField(
        label=_("List"),
        queryset=choosable_lists(),
        required=False,
        empty_label=_("New list"),
        widget=PickerSelect(_("Search lists"), "contact_count"),
    )
    name = forms.CharField(label=_("Name of the new list"), max_length=100, required=False)

    def __init__(self, source: ContactList, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["into"].queryset = choosable_lists().exclude(pk=source.pk)  # type: ignore[attr-defined]
        self.helper = form_helper("into", "name", submit=_("Copy"))

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        name = (data.get("name") or "").strip()
        if not data.get("into") and not name:
            self.add_error("name", _("Choose a list or enter a name for a new one."))
        if not data.get("into") and ContactList.objects.filter(name=name).exists():
            self.add_error("name", forms.ValidationError(NAME_TAKEN, "name_taken"))
        return data | {"name": name}
