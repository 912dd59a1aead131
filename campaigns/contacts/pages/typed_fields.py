"""The field of a form for a value with a type."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from campaigns.contacts.field_types.shown_values import for_reader
from campaigns.contacts.field_types.value_formats import format_of_reader, read_value
from campaigns.contacts.models import FieldType


class TypedValueField(forms.CharField):
    """A value of a merge tag: shown and read in the reader's language, cleaned to its normal form.

    `present`: the value so far, which may stay even if it is not of the type; None: any may.
    """

    def __init__(self, field_type: FieldType, present: str | None, **options: Any) -> None:
        super().__init__(required=False, **options)
        self.field_type, self.present = field_type, present

    def prepare_value(self, value: Any) -> Any:
        return for_reader(value, self.field_type) if isinstance(value, str) else value

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        normal = read_value(text, format_of_reader(self.field_type)) if text else ""
        if normal is not None:
            return normal
        if self.present not in (None, text):
            raise forms.ValidationError(_not_readable(self.field_type))
        return text


def _not_readable(field_type: FieldType) -> str:
    examples = {
        FieldType.NUMBER: _("Enter a number such as %(example)s.")
        % {"example": for_reader("12.5", FieldType.NUMBER)},
        FieldType.DATE: _("Enter a date such as %(example)s.")
        % {"example": for_reader("2026-12-31", FieldType.DATE)},
        FieldType.YES_NO: _("Enter yes or no."),
    }
    return examples[field_type]
