"""Forms of brands, of roles in them, and of what belongs to them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from campaigns.gateway.environment import is_real_gateway
from campaigns.shared.brands.models import BrandManager
from campaigns.shared.brands.scope import MAIN
from campaigns.team.models import Brand, Role
from campaigns.team.pages.forms import post_form
from viberdash.insecure import is_api_key

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
            raise forms.ValidationError(self.name_taken, "name_taken")
        return name


ADD = _("Add brand")


class BrandForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=60,
        widget=forms.TextInput({"autocomplete": "off"}),
        help_text=_("Its short name in addresses is made from it, and never changes."),
    )

    def __init__(self, *args: Any, verb: Any = ADD, **options: Any) -> None:
        super().__init__(*args, **options)
        self.helper = post_form("name", submit=verb)


class BrandKeyForm(forms.Form):
    """The API key of a brand: typed, and never shown."""

    api_key = forms.CharField(
        label=_("API key"),
        max_length=200,
        widget=forms.PasswordInput({"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("live_… or test_…, as BSG shows it. It is stored encrypted."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.helper = post_form("api_key", submit=_("Set the key"))

    def clean_api_key(self) -> str:
        key: str = self.cleaned_data["api_key"].strip()
        if not is_api_key(key):
            raise forms.ValidationError(_("Copy the whole key from BSG: it has no blanks."))
        is_dangerous = settings.DEBUG and key.startswith("live_") and is_real_gateway()
        if is_dangerous and "DEBUG" not in settings.ALLOW_INSECURE:
            raise forms.ValidationError(_("No live key can be set while DEBUG is on."))
        return key


class BrandRolesForm(forms.Form):
    """The roles of a user: administrator, or one in each brand."""

    is_administrator = forms.BooleanField(label=_("Administrator of all brands"), required=False)

    def __init__(self, brands: Iterable[Brand], roles: dict[int, str], *args: Any) -> None:
        super().__init__(*args)
        self.brands = list(brands)
        self.initial["is_administrator"] = roles.get(MAIN) == Role.ADMINISTRATOR
        for brand in self.brands:
            role = roles.get(brand.pk, "")
            self.fields[f"role_{brand.pk}"] = forms.ChoiceField(
                label=brand.name,
                choices=[("", _("No access")), *Role.choices[:-1]],
                initial="" if role == Role.ADMINISTRATOR else role,
                required=False,
            )
        self.helper = post_form(*self.fields, submit=_("Change roles"))
        self.helper.form_tag = False

    def clean(self) -> dict[str, Any]:
        if not self.errors and not any(self.roles().values()):
            text = _("Choose a role in a brand, or close the account.")
            raise forms.ValidationError(text)
        return self.cleaned_data

    def roles(self) -> dict[int, str]:
        """The chosen roles by brand, as members.change_roles takes them."""
        if self.cleaned_data["is_administrator"]:
            return {MAIN: Role.ADMINISTRATOR}
        return {brand.pk: self.cleaned_data[f"role_{brand.pk}"] for brand in self.brands}
