"""Forms of what belongs to a brand."""

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.shared.brands.managers import BrandManager

if TYPE_CHECKING:
    Form = forms.BaseForm
    ModelForm = forms.BaseModelForm[Any]
else:
    Form = ModelForm = object


class BrandChoices(Form):
    """A form whose fields offer only what belongs to the brand.

    The fields are made when a module is imported, and nobody acts for a brand then.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field in self.fields.values():
            if isinstance(field, forms.ModelChoiceField) and field.queryset is not None:
                manager = field.queryset.model._default_manager
                if isinstance(manager, BrandManager):
                    field.queryset = manager.limited(field.queryset)


class NameInBrand(ModelForm):
    """A form of an object whose name no other has in its brand."""

    name_taken: ClassVar[Any] = _("This name is already in use.")

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = self._meta.model._default_manager.exclude(pk=self.instance.pk)
        if others.filter(name=name).exists():
            raise forms.ValidationError(self.name_taken)
        return name
