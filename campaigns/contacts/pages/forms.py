"""Forms of contacts: a file, its columns, people on a list, the stop list."""

import re
from typing import TYPE_CHECKING, Any

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout as FormLayout
from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from campaigns.contacts.importing import encodings
from campaigns.contacts.importing.column_mapping import MAX_NAME, Mapping
from campaigns.contacts.importing.csv_reader import Layout
from campaigns.contacts.importing.file_types import MAX_BYTES
from campaigns.contacts.models import ContactList
from campaigns.contacts.phones import countries

if TYPE_CHECKING:
    ListModelForm = forms.ModelForm[ContactList]
else:
    ListModelForm = forms.ModelForm

TAG = re.compile(r"[^\W\d]\w*")
PASTE_MAX = 2_000_000  # characters
STOP_FILE_MAX = 10 << 20  # bytes: some seconds of work, which the page waits for
DELIMITERS = ((",", _("Comma ,")), (";", _("Semicolon ;")), ("\t", _("Tab")), ("|", _("Bar |")))
QUOTES = (('"', _('Double "')), ("'", _("Single '")), ("", _("None")))
SKIP, PHONE, FIELD = "skip", "phone", "field"
ROLES = ((PHONE, _("Phone")), (FIELD, _("Merge tag")), (SKIP, _("Leave out")))


def helper(*fields: str, submit: Any = None) -> FormHelper:
    """The look of a form; without `submit` the page brings its own <form> and buttons."""
    made: FormHelper = FormHelper()
    made.form_method = "post"
    made.form_tag = submit is not None
    button = (
        [StrictButton(submit, type="submit", css_class="btn-primary")] if submit is not None else []
    )
    made.layout = FormLayout(*fields, *button)
    return made


def country_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=_("Country"),
        choices=countries.choices,
        initial=settings.DEFAULT_COUNTRY,
        help_text=_("Numbers without a country code are read as numbers of this country."),
    )


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "CSV, TSV, TXT, XLSX, XLS or ODS, or a ZIP with one of them. Up to 500 MB and 2,000,000"
            " rows."
        ),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.xls,.ods,.zip"}),
        allow_empty_file=True,  # said in our own words, with the others
    )
    into = forms.ModelChoiceField(
        label=_("Into the list"),
        queryset=ContactList.objects.all(),
        required=False,
        empty_label=_("A new list"),
    )
    name = forms.CharField(
        label=_("Name of the new list"),
        max_length=100,
        required=False,
        help_text=_("Left empty, it is the name of the file."),
    )
    country = country_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = helper("file", "into", "name", "country")

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if not file.size:
            raise forms.ValidationError(_("The file is empty."))
        if file.size > MAX_BYTES:
            raise forms.ValidationError(_("The file is larger than 500 MB."))
        return file

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        name = (data.get("name") or "").strip()
        if not data.get("into") and not name and "file" in data:
            name = data["file"].name.rsplit(".", 1)[0][:100]
        if not data.get("into") and ContactList.objects.filter(name=name).exists():
            self.add_error(
                "name", _("There is a list of this name. Choose it above, or take another name.")
            )
        data["name"] = name
        return data


class LayoutForm(forms.Form):
    """How a file is read: which of its sheets, where it has several; or how its text is."""

    encoding = forms.ChoiceField(
        label=_("Encoding"), choices=[(name, name.upper()) for name in encodings.CHOICES]
    )
    delimiter = forms.ChoiceField(label=_("Between columns"), choices=DELIMITERS)
    quote = forms.ChoiceField(label=_("Quotation marks"), choices=QUOTES, required=False)
    header = forms.BooleanField(label=_("The first row names the columns"), required=False)

    def __init__(self, mapping: dict[str, Any], data: QueryDict | None = None) -> None:
        super().__init__(data, initial=mapping)
        self.taken = mapping.get("sheet", "")
        if len(sheets := mapping.get("sheets", ())) > 1:
            self.fields["sheet"] = forms.ChoiceField(
                label=_("Sheet"), choices=[(name, name) for name in sheets]
            )
        if self.taken:
            del self.fields["encoding"]  # of the text that we have made of it
        self.order_fields(["sheet"])

    def other_sheet(self) -> str:
        """The sheet that was chosen instead of the one that is read; empty: none was."""
        chosen = self.cleaned_data.get("sheet", "")
        return "" if chosen == self.taken else str(chosen)

    def layout(self) -> Layout:
        """What was chosen."""
        data = self.cleaned_data
        # A select sends the tab as it is; Django's trimming is off for choices.
        return Layout(
            **{
                name: data[name]
                for name in ("encoding", "delimiter", "quote", "header")
                if name in data
            }
        )


class ColumnsForm(forms.Form):
    """What each column of a file is: fields role_0, name_0, role_1, …"""

    country = country_field()
    existing = forms.ChoiceField(
        label=_("People who are on the list already"),
        choices=(("update", _("Update their merge tags")), ("keep", _("Leave them as they are"))),
    )

    def __init__(self, names: list[str], proposed: Mapping, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = names
        for place, name in enumerate(names):
            role = (
                PHONE if place in proposed.phones else FIELD if place in proposed.fields else SKIP
            )
            select = forms.ChoiceField(label=name, choices=ROLES, initial=role)
            tag = forms.CharField(
                label=name, required=False, max_length=MAX_NAME, initial=proposed.fields.get(place)
            )
            select.widget.attrs |= {
                "class": "form-select",
                "aria-label": _("What “%(column)s” is") % {"column": name},
            }
            tag.widget.attrs |= {
                "class": "form-control",
                "aria-label": _("Merge tag of “%(column)s”") % {"column": name},
            }
            self.fields[f"role_{place}"], self.fields[f"name_{place}"] = select, tag
        self.proposed = proposed

    def columns(self) -> list[tuple[int, str, forms.BoundField, forms.BoundField]]:
        """Number, name, role and tag of each column, for the page."""
        return [
            (place, name, self[f"role_{place}"], self[f"name_{place}"])
            for place, name in enumerate(self.names)
        ]

    def clean(self) -> dict[str, Any]:
        taken: set[str] = set()
        for place in self._places(FIELD):
            tag = (self.cleaned_data.get(f"name_{place}") or "").strip()
            if not TAG.fullmatch(tag):
                self.add_error(
                    f"name_{place}", _("Letters, digits and underscores, a letter first.")
                )
            elif tag in taken:
                self.add_error(f"name_{place}", _("Another column has this name."))
            taken.add(tag)
        if not self._places(PHONE):
            self.add_error(None, _("Choose the column with the phone numbers."))
        return self.cleaned_data

    def _places(self, role: str) -> list[int]:
        return [
            place
            for place in range(len(self.names))
            if self.cleaned_data.get(f"role_{place}") == role
        ]

    def mapping(self) -> Mapping:
        """What was chosen; of several phone columns those proposed first come first."""
        order = {place: number for number, place in enumerate(self.proposed.phones)}
        phones = sorted(
            self._places(PHONE), key=lambda place: (order.get(place, len(order)), place)
        )
        return Mapping(
            phones,
            {place: self.cleaned_data[f"name_{place}"].strip() for place in self._places(FIELD)},
        )


class ListForm(ListModelForm):
    class Meta:
        model = ContactList
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = helper("name", submit=_("Save"))


class PersonForm(forms.Form):
    """One person on a list: the phone (only when new) and the merge tags of the list."""

    phone = forms.CharField(label=_("Phone"), max_length=40)

    def __init__(self, tags: list[str], *args: Any, new: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not new:
            del self.fields["phone"]
        for tag in tags:
            self.fields[f"tag_{tag}"] = forms.CharField(label=tag, required=False, max_length=1000)
        self.tags = tags
        self.helper = helper(*self.fields, submit=_("Add") if new else _("Save"))

    def values(self) -> dict[str, str]:
        """Merge tag -> value."""
        return {tag: self.cleaned_data[f"tag_{tag}"] for tag in self.tags}


class PasteForm(forms.Form):
    phones = forms.CharField(
        label=_("Phones, one a line"),
        widget=forms.Textarea(attrs={"rows": 8}),
        max_length=PASTE_MAX,
    )
    country = country_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = helper("phones", "country", submit=_("Add"))


class StopForm(forms.Form):
    phones = forms.CharField(
        label=_("Phones, one a line"),
        widget=forms.Textarea(attrs={"rows": 5}),
        max_length=PASTE_MAX,
        required=False,
    )
    file = forms.FileField(
        label=_("Or a file with phones"),
        required=False,
        help_text=_("Any file that can be imported."),
    )
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)
    country = country_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = helper("phones", "file", "reason", "country", submit=_("Stop"))

    def clean(self) -> dict[str, Any]:
        if (
            not self.cleaned_data.get("phones")
            and not self.cleaned_data.get("file")
            and not self.errors
        ):
            self.add_error("phones", _("Type phones, or choose a file."))
        file = self.cleaned_data.get("file")
        if file and file.size > STOP_FILE_MAX:
            self.add_error("file", _("The file is larger than 10 MB. Bring it in parts."))
        return self.cleaned_data


class IntoForm(forms.Form):
    """Where people are copied to: a list that there is, or a new one."""

    into = forms.ModelChoiceField(
        label=_("Into the list"),
        queryset=ContactList.objects.all(),
        required=False,
        empty_label=_("A new list"),
    )
    name = forms.CharField(label=_("Name of the new list"), max_length=100, required=False)

    def __init__(self, source: ContactList, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["into"].queryset = ContactList.objects.exclude(pk=source.pk)  # type: ignore[attr-defined]
        self.helper = helper("into", "name", submit=_("Copy"))

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        name = (data.get("name") or "").strip()
        if not data.get("into") and not name:
            self.add_error("name", _("Choose a list, or name a new one."))
        if not data.get("into") and ContactList.objects.filter(name=name).exists():
            self.add_error(
                "name", _("There is a list of this name. Choose it above, or take another name.")
            )
        return data | {"name": name}
