"""The forms of a contact on a list, and of the person with its phone."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns.contacts.consent import wordings
from campaigns.contacts.field_types.shown_values import for_reader
from campaigns.contacts.lists.all_lists import fingerprint, has_tag
from campaigns.contacts.models import Consent, Contact, FieldType
from campaigns.contacts.pages.forms import NO_TYPES, form_helper
from campaigns.contacts.pages.typed_fields import TypedValueField
from campaigns.contacts.people import languages
from campaigns.contacts.people.person import CONSENT, UNWANTED, VALUES, WANTED
from campaigns.contacts.people.topics import TOPIC_MAX, join_topics, read_topics
from campaigns.shared.days import reader_today

NOTES_MAX = 5_000
TOPICS_MAX = 50
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
            self.fields[f"seen_{name}"] = self.seen_field(name, value)

    def seen_field(self, name: str, value: str) -> forms.CharField:
        """The hidden field for a value that is shown."""
        return forms.CharField(required=False, initial=value, widget=forms.HiddenInput)

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
        types: Mapping[str, FieldType] = NO_TYPES,
    ) -> None:
        super().__init__(data)
        self.tags, self.others = tags, others
        self.types = types
        for tag in tags:
            value = (present or {}).get(tag, "")
            self.fields[f"tag_{tag}"] = TypedValueField(
                types.get(tag, FieldType.TEXT),
                value,
                label=tag,
                max_length=1000,
                initial=value,
                help_text=_values_elsewhere(tag, present or {}, others),
            )
        if present is not None:
            del self.fields["phone"]
            self.keep_seen({tag: present.get(tag, "") for tag in tags})
        if others:
            self._offer_all_lists()
        submit = _("Add") if present is None else _("Save")
        self.helper = form_helper(*self.fields, submit=submit)

    def seen_field(self, name: str, value: str) -> forms.CharField:
        kind = self.types.get(name, FieldType.TEXT)
        return TypedValueField(kind, None, initial=value, widget=forms.HiddenInput)

    def label_of(self, name: str, value: str) -> str:
        return for_reader(value, self.types.get(name, FieldType.TEXT))

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
        (other, for_reader(str(other.fields.get(tag, "")), other.list.type_of(tag)))
        for other in others
        if has_tag(other, tag) and other.fields.get(tag, "") != value
    ]
    return " ".join(
        _("On “%(list)s”: %(value)s.") % {"list": other.list, "value": theirs or _("empty")}
        for other, theirs in different[:LISTS_NAMED]
    )


class PersonForm(SeenValuesForm):
    """What belongs to the person: consent, language, topics and notes, as `person.values_of`."""

    consent = forms.ChoiceField(
        label=gettext_lazy("Consent"),
        choices=Consent.choices,
        required=False,
        help_text=gettext_lazy("“Withdrawn” adds the phone to the stop list."),
    )
    consent_on = forms.DateField(
        label=gettext_lazy("Given or withdrawn on"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("Today, if you change the consent and not the date."),
    )
    consent_source = forms.CharField(
        label=gettext_lazy("How it was given or withdrawn"),
        required=False,
        max_length=200,
        help_text=gettext_lazy(
            "Such as: form on the website, by phone. If you change the consent, enter this anew."
        ),
    )
    known_wording = forms.ChoiceField(
        label=gettext_lazy("Wording that was used before"), required=False
    )
    consent_wording = forms.CharField(
        label=gettext_lazy("What the contact agreed to, word for word"),
        required=False,
        max_length=wordings.WORDING_MAX,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Such as the text beside the box that was ticked."),
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    wanted_topics = forms.CharField(
        label=gettext_lazy("Wants messages about"),
        required=False,
        max_length=2_000,
        help_text=gettext_lazy("Topics with commas between them: sales, new arrivals."),
    )
    unwanted_topics = forms.CharField(
        label=gettext_lazy("Does not want messages about"),
        required=False,
        max_length=2_000,
        help_text=gettext_lazy("Segments can ask for topics, to select or to exclude contacts."),
    )
    notes = forms.CharField(
        label=gettext_lazy("Notes"),
        required=False,
        max_length=NOTES_MAX,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, present: Mapping[str, str], data: QueryDict | None = None) -> None:
        super().__init__(data, initial=dict(present))
        none = ("", _("Not known"))
        self.fields["language"].choices = [none, *languages.choices()]  # type: ignore[attr-defined]
        if known := wordings.choices():
            none = ("", _("None of these"))
            self.fields["known_wording"].choices = [none, *known]  # type: ignore[attr-defined]
        else:
            del self.fields["known_wording"]
        self.keep_seen(present)
        self.helper = form_helper(*self.fields, submit=_("Save"))

    def clean_consent(self) -> str:
        return str(self.cleaned_data["consent"] or Consent.UNKNOWN)

    def clean_wanted_topics(self) -> str:
        return _clean_topics(self.cleaned_data[WANTED])

    def clean_unwanted_topics(self) -> str:
        return _clean_topics(self.cleaned_data[UNWANTED])

    def clean_notes(self) -> str:
        return str(self.cleaned_data["notes"]).replace("\r\n", "\n")

    def clean_seen_notes(self) -> str:
        return str(self.cleaned_data["seen_notes"]).replace("\r\n", "\n")

    def clean_consent_wording(self) -> str:
        """The chosen wording, or the typed one. Both: only if one is what the page showed."""
        typed = wordings.clean(self.cleaned_data["consent_wording"])
        if not (wording_id := self.cleaned_data.get("known_wording")):
            return typed
        chosen = wordings.text_of(wording_id)
        if typed not in ("", chosen, self.shown["consent_wording"]):
            raise forms.ValidationError(_("Choose a wording above or enter one here, not both."))
        return chosen

    def clean_seen_consent_wording(self) -> str:
        return wordings.clean(self.cleaned_data["seen_consent_wording"])

    def clean_consent_on(self) -> Any:
        day = self.cleaned_data["consent_on"]
        if day and day > reader_today():
            raise forms.ValidationError(_("This date is in the future."))
        return day

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        both = set(read_topics(data.get(WANTED, ""))) & set(read_topics(data.get(UNWANTED, "")))
        if both:
            text = _("Both wanted and not wanted: %(topics)s.") % {"topics": join_topics(both)}
            self.add_error(UNWANTED, text)
        if "consent" in self.data and "consent_on" in data:
            self._complete_consent()
        return data

    def _complete_consent(self) -> None:
        """Another consent has another date, source and wording; an unknown one has none."""
        data, seen = self.cleaned_data, self.seen()
        day = data["consent_on"]
        consent, source = data.get("consent", ""), data.get("consent_source", "")
        wording = data.get("consent_wording", "")
        is_changed = consent != seen["consent"]
        if consent == Consent.UNKNOWN:
            if (day or source or wording) and not is_changed:
                self.add_error("consent", _("Choose whether consent was given or withdrawn."))
            data |= {"consent_on": None, "consent_source": "", "consent_wording": ""}
        elif is_changed:
            if not day or day.isoformat() == seen["consent_on"]:
                data["consent_on"] = reader_today()
            if source == seen["consent_source"]:
                data["consent_source"] = source = ""
            if wording == seen["consent_wording"] and not data.get("known_wording"):
                data["consent_wording"] = ""
            if consent == Consent.GIVEN and not source:
                self.add_error("consent_source", _("Enter how consent was given."))

    def values(self) -> dict[str, str]:
        """Name -> value, of those that the page had, as `person.change` takes them."""
        names = {name for name in VALUES if name in self.data}
        if "consent" in names and self.cleaned_data["consent"] != self.seen()["consent"]:
            names |= set(CONSENT)
        values: dict[str, Any] = {name: self.cleaned_data[name] for name in VALUES if name in names}
        if "consent_on" in values:
            day = values["consent_on"]
            values["consent_on"] = day.isoformat() if day else ""
        return values

    def label_of(self, name: str, value: str) -> str:
        if name == "consent":
            return str(Consent(value).label)
        return languages.name(value) if name == "language" else value


def _clean_topics(typed: str) -> str:
    topics = read_topics(typed)
    if len(topics) > TOPICS_MAX:
        raise forms.ValidationError(_("Enter at most %(most)d topics.") % {"most": TOPICS_MAX})
    if any(len(topic) > TOPIC_MAX for topic in topics):
        text = _("A topic has at most %(most)d characters. Put commas between topics.")
        raise forms.ValidationError(text % {"most": TOPIC_MAX})
    return join_topics(topics)
