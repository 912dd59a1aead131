"""The form of a contact on a list."""

from collections.abc import Mapping, Sequence

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns.contacts.lists.all_lists import fingerprint, has_tag
from campaigns.contacts.models import Contact
from campaigns.contacts.pages.forms import form_helper

LISTS_NAMED = 5  # of the other lists, beside a field


class SeenValuesForm(forms.Form):
    """A form that keeps beside each field what it showed at first: `seen_` and the name of the
    value. Others may change it while the page is open.
    """

    value_prefix = ""  # the field of a value is called so, and then by the name of the value
    shown: Mapping[str, str] = {}

    def keep_seen(self, shown: Mapping[str, str]) -> None:
        """Add the hidden fields, one for each value that is `shown`."""
        self.shown = shown
        for name, value in shown.items():
            self.fields[f"seen_{name}"] = forms.CharField(
                required=False, initial=value, widget=forms.HiddenInput
            )

    def seen(self) -> dict[str, str]:
        """Name -> the value that the page showed at first."""
        return {
            name: self.cleaned_data.get(f"seen_{name}", value)
            if f"seen_{name}" in self.data
            else value
            for name, value in self.shown.items()
        }

    def show_conflicts(self, conflicts: Mapping[str, str]) -> None:
        """Say which values were changed meanwhile; saving again overwrites them."""
        self.data = {
            **{name: self.data.get(name) for name in self.fields},
            **{f"seen_{name}": value for name, value in conflicts.items()},
        }
        for name, value in conflicts.items():
            text = _("This was changed meanwhile to “%(value)s”. Save again to overwrite it.")
            empty = _("This was emptied meanwhile. Save again to overwrite it.")
            shown = text % {"value": self.label_of(name, value)} if value else empty
            self.add_error(self.value_prefix + name, shown)

    def label_of(self, name: str, value: str) -> str:
        """How a page shows a value."""
        return value


class ContactForm(SeenValuesForm):
    """A contact: the phone (only of a new one) and the merge tags of its list.

    `present`: the merge tags of an existing contact. `others`: the contacts with the same phone on
    other lists, which can be changed too.
    """

    phone = forms.CharField(label=gettext_lazy("Phone"), max_length=40)
    value_prefix = "tag_"

    def __init__(
        self,
        tags: list[str],
        data: QueryDict | None = None,
        *,
        present: dict[str, str] | None = None,
        others: Sequence[Contact] = (),
    ) -> None:
        super().__init__(data)
        self.tags, self.others = tags, others
        for tag in tags:
            self.fields[f"tag_{tag}"] = forms.CharField(
                label=tag,
                required=False,
                max_length=1000,
                initial=(present or {}).get(tag, ""),
                help_text=_values_elsewhere(tag, present or {}, others),
            )
        if present is not None:
            del self.fields["phone"]
            self.keep_seen({tag: present.get(tag, "") for tag in tags})
        if others:
            self._offer_all_lists()
        submit = _("Add") if present is None else _("Save")
        self.helper = form_helper(*self.fields, submit=submit)

    def _offer_all_lists(self) -> None:
        number, names = len(self.others) + 1, _list_names(self.others)
        self.fields["all_lists"] = forms.BooleanField(
            label=ngettext(
                "Change these values on all %d list with this phone",
                "Change these values on all %d lists with this phone",
                number,
            )
            % number,
            help_text=_("Also on: %(lists)s. Lists without a merge tag do not get it.")
            % {"lists": names},
            required=False,
        )
        self.fields["others_seen"] = forms.CharField(
            required=False,
            initial=fingerprint(self.others, self.tags),
            widget=forms.HiddenInput,
        )

    def values(self) -> dict[str, str]:
        """Merge tag -> value, of those that the page had."""
        return {
            tag: self.cleaned_data[f"tag_{tag}"] for tag in self.tags if f"tag_{tag}" in self.data
        }

    def show_others(self, error: str) -> None:
        """Say that the other lists have changed; saving again overwrites what is shown now."""
        self.data = {name: self.data.get(name) for name in self.fields}
        self.data["others_seen"] = fingerprint(self.others, self.tags)
        self.add_error("all_lists", error)


def _list_names(contacts: Sequence[Contact]) -> str:
    names = ", ".join(f"“{contact.list}”" for contact in contacts[:LISTS_NAMED])
    more = len(contacts) - LISTS_NAMED
    return _("%(names)s and %(more)d more") % {"names": names, "more": more} if more > 0 else names


def _values_elsewhere(tag: str, present: Mapping[str, str], others: Sequence[Contact]) -> str:
    """Which other values the merge tag has on other lists."""
    value = present.get(tag, "")
    different = [
        (other, str(other.fields.get(tag, "")))
        for other in others
        if has_tag(other, tag) and other.fields.get(tag, "") != value
    ]
    return " ".join(
        _("On “%(list)s”: %(value)s.") % {"list": other.list, "value": theirs or _("empty")}
        for other, theirs in different[:LISTS_NAMED]
    )
