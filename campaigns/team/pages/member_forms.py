"""Forms of Settings -> Team."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.team.handover import Work
from campaigns.team.models import Role, User
from campaigns.team.pages.forms import UserForm, part_of_form, post_form


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


PAUSE = "pause"


class CloseForm(forms.Form):
    """Closing an account: who takes over what runs in the user's name, in each brand."""

    def __init__(self, work: Sequence[Work], *args: Any) -> None:
        super().__init__(*args)
        self.work = work
        for each in work:
            names = ", ".join(f"{row._meta.verbose_name} “{row}”" for _kind, row in each.objects)
            self.fields[f"taker_{each.brand.pk}"] = forms.ChoiceField(
                label=_("Who takes over what runs in this user's name?")
                if len(work) == 1
                else _("Who takes over what runs in %(brand)s?") % {"brand": each.brand},
                choices=[
                    ("", _("Choose…")),
                    (PAUSE, _("Nobody: pause it")),
                    *((str(taker.pk), _named(taker)) for taker in each.takers),
                ],
                help_text=names[:1].upper() + names[1:] + ".",
            )
        self.helper = part_of_form(*self.fields)

    def takers(self) -> dict[int, int | None]:
        """The choice by brand, as members.close takes it."""
        chosen = {each.brand.pk: self.cleaned_data[f"taker_{each.brand.pk}"] for each in self.work}
        return {brand: None if taker == PAUSE else int(taker) for brand, taker in chosen.items()}


def _named(user: User) -> str:
    name, full_name = user.get_username(), user.get_full_name()
    return f"{full_name} ({name})" if full_name else name
