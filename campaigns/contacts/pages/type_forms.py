"""The form that changes the types of a list's fields."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.contacts.field_types.value_formats import ValueFormat, format_of_reader
from campaigns.contacts.models import ContactList
from campaigns.contacts.pages.forms import form_helper


class FieldTypesForm(forms.Form):
    """The type of each field of a list; one that is changed says how its values are written."""

    def __init__(self, contact_list: ContactList, data: Any = None) -> None:
        super().__init__(data)
        self.contact_list = contact_list
        for name in contact_list.fields:
            self.fields[f"type_{name}"] = forms.ChoiceField(
                label=name,
                choices=ValueFormat.choices,
                initial=format_of_reader(contact_list.type_of(name)),
            )
        self.helper = form_helper(*self.fields, submit=_("Change types"))

    def formats(self) -> dict[str, ValueFormat]:
        """The chosen format of each field whose type changes."""
        chosen = {
            name: ValueFormat(self.cleaned_data[f"type_{name}"])
            for name in self.contact_list.fields
        }
        return {
            name: each
            for name, each in chosen.items()
            if each.type != self.contact_list.type_of(name)
        }
