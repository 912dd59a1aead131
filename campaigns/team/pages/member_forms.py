"""Forms of Settings -> Team."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.team.models import Role, User
from campaigns.team.pages.forms import UserForm, post_form


class InviteForm(UserForm):
    class Meta:
        model = User
        fields = ("username", "first_name", "last_name", "email", "role")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = gettext_lazy("User name")
        self.fields["email"].label = gettext_lazy("E-mail")
        self.fields["username"].help_text = gettext_lazy("To sign in with. It can't be changed.")
        for field in self.fields.values():
            field.widget.attrs["autocomplete"] = "off"
        self.helper = post_form(*self.Meta.fields, submit=gettext_lazy("Invite"))

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if User.objects.filter(username__folded_exact=name).exists():
            raise forms.ValidationError(_("There is a user with this name already."))
        return name


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices)
