"""Where contacts come from: the forms of a file, of an address and of pasted rows, and of how often
an address is imported.
"""

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.contacts.choosable_lists import choosable_lists
from campaigns.contacts.fetching.models import ImportRhythm, ImportSchedule
from campaigns.contacts.fetching.share_links import table_address
from campaigns.contacts.importing.file_types import MAX_BYTES
from campaigns.contacts.models import ContactList
from campaigns.contacts.pages.forms import NAME_TAKEN, PASTE_MAX, country_field, form_helper
from campaigns.shared.web.errors import FetchError
from campaigns.shared.web.exchange import MAX_ADDRESS, read_address
from campaigns.team.pages.brands.forms import BrandChoices
from campaigns.team.pages.forms import PickerSelect

if TYPE_CHECKING:
    ScheduleModelForm = forms.ModelForm[ImportSchedule]
else:
    ScheduleModelForm = forms.ModelForm


class SourceForm(BrandChoices, forms.Form):
    """A source, and the list that its contacts are imported into."""

    source_field = ""

    into = forms.ModelChoiceField(
        label=_("List"),
        queryset=choosable_lists(),
        required=False,
        empty_label=_("New list"),
        widget=PickerSelect(_("Search lists"), "contact_count"),
    )
    name = forms.CharField(label=_("Name of the new list"), max_length=100, required=False)
    country = country_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["data-taken"] = NAME_TAKEN
        self.order_fields([self.source_field])
        self.helper = form_helper(*self.fields)

    def default_name(self) -> str:
        """The name of the new list if none is typed; empty: one has to be."""
        return ""

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        name = (data.get("name") or "").strip()
        if not data.get("into"):
            name = name or self.default_name()
            if not name and self.source_field in data:
                self.add_error("name", _("Choose a list or enter a name for a new one."))
            elif ContactList.objects.filter(name=name).exists():
                self.add_error("name", forms.ValidationError(NAME_TAKEN, "name_taken"))
        data["name"] = name
        return data


class UploadForm(SourceForm):
    source_field = "file"

    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "CSV, TSV, TXT, XLSX, XLS or ODS, or a ZIP with one of them. Up to 500 MB and 2,000,000"
            " rows."
        ),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.xls,.ods,.zip"}),
        allow_empty_file=True,  # refused by clean_file, with the other errors
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].help_text = _("Leave empty to use the name of the file.")

    def default_name(self) -> str:
        file = self.cleaned_data.get("file")
        return file.name.rsplit(".", 1)[0][:100] if file else ""

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if not file.size:
            raise forms.ValidationError(_("The file is empty."))
        if file.size > MAX_BYTES:
            raise forms.ValidationError(_("The file is larger than 500 MB."))
        return file


class AddressForm(SourceForm):
    source_field = "address"

    address = forms.CharField(
        label=_("Address"),
        max_length=MAX_ADDRESS,
        widget=forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off"}),
        help_text=_(
            "Of a file of any type that can be uploaded, up to 100 MB, or the share link of a"
            " Google Sheet, of Dropbox or of Nextcloud. Everybody who has the link must be able to"
            " read it."
        ),
    )

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"]
        try:
            read_address(table_address(address))
        except FetchError as refused:
            raise forms.ValidationError(str(refused)) from refused
        return address


class PastedRowsForm(SourceForm):
    source_field = "rows"

    rows = forms.CharField(
        label=_("Rows"),
        strip=False,  # the first cell may be empty
        # without maxlength: a browser would cut off what is pasted, and say nothing
        widget=forms.Textarea(attrs={"rows": 12, "wrap": "off", "spellcheck": "false"}),
        help_text=_(
            "Select the rows in your spreadsheet, with the row of column names, copy them and paste"
            " them here. CSV works too."
        ),
    )

    def clean_rows(self) -> str:
        rows: str = self.cleaned_data["rows"]
        if not rows.strip():
            raise forms.ValidationError(_("Paste at least one row."))
        if len(rows) > PASTE_MAX:
            raise forms.ValidationError(
                _("These are more than 2,000,000 characters. Upload them as a file.")
            )
        return rows


class ScheduleForm(ScheduleModelForm):
    max_rejected_percent = forms.IntegerField(
        label=_("Largest share of rejected rows, in %"),
        min_value=0,
        max_value=100,
        help_text=_("A file with more is not imported, and you get an e-mail."),
    )

    class Meta:
        model = ImportSchedule
        fields = ("rhythm", "weekday", "at", "max_rejected_percent")
        widgets = {"at": forms.TimeInput(attrs={"type": "time"}, format="%H:%M")}

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["at"].help_text = _("In your time zone, %(zone)s.") % {"zone": zone}
        self.fields["weekday"].help_text = _("For every week.")
        self.helper = form_helper(*self.fields)

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data.get("rhythm") != ImportRhythm.HOURLY and "at" in data and data["at"] is None:
            self.add_error("at", _("Enter a time, such as 08:00."))
        return data
