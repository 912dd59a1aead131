"""The filters of the audit trail, as the query string has them."""

from datetime import date
from typing import Any

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout
from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.shared.days import reader_bounds
from campaigns.shared.query_values import read_id
from campaigns.team.models import ActorKind, AuditEntry, AuditResult, User

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2999, 12, 31)
# of entries without a user; those of before kinds were recorded have none
KINDS: dict[str, list[str]] = {
    ActorKind.COMMAND: [ActorKind.COMMAND],
    ActorKind.SYSTEM: [ActorKind.SYSTEM, ""],
    ActorKind.VISITOR: [ActorKind.VISITOR],
}


class DayField(forms.DateField):
    def __init__(self, **options: Any) -> None:
        super().__init__(
            required=False,
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            validators=[MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)],
            **options,
        )


class SearchForm(forms.Form):
    since = DayField(label=gettext_lazy("From"))
    until = DayField(label=gettext_lazy("To"))
    who = forms.ChoiceField(label=gettext_lazy("Who"), required=False)
    action = forms.CharField(label=gettext_lazy("Action"), required=False, max_length=40)
    object = forms.CharField(label=gettext_lazy("Object"), required=False, max_length=40)
    address = forms.GenericIPAddressField(
        label=gettext_lazy("Address"), required=False, unpack_ipv4=True
    )
    result = forms.ChoiceField(label=gettext_lazy("Result"), required=False)

    def __init__(self, query: Any) -> None:
        super().__init__(query)
        self.fields["who"].choices = _people(query.get("who", ""))  # type: ignore[attr-defined]
        self.fields["result"].choices = [("", _("All")), *AuditResult.choices]  # type: ignore[attr-defined]
        self.fields["action"].widget.attrs["placeholder"] = "exported"
        self.fields["object"].widget.attrs["placeholder"] = "campaign:12"
        self.helper: FormHelper = FormHelper()
        self.helper.form_method = "get"
        self.helper.disable_csrf = True
        columns = [Div(name, css_class="col-6 col-md-3") for name in self.fields]
        button = StrictButton(_("Search"), type="submit", css_class="btn-primary w-100")
        columns.append(Div(button, css_class="col-6 col-md-3 align-self-end mb-3"))
        self.helper.layout = Layout(Div(*columns, css_class="row g-2"))

    def entries(self) -> QuerySet[AuditEntry]:
        """The entries that match; none if a filter cannot be read."""
        if not self.is_valid():
            return AuditEntry.objects.none()
        given = self.cleaned_data
        # no join, which would lose the entries of users who were removed
        rows = _of(AuditEntry.objects.prefetch_related("actor"), given["who"])
        first, last = given["since"] or FIRST_DAY, given["until"] or LAST_DAY
        begin, end = reader_bounds(first, last)
        if given["since"]:
            rows = rows.filter(at__gte=begin)
        if given["until"]:
            rows = rows.filter(at__lt=end)
        for column, name in (
            ("action", "action"),
            ("subject", "object"),
            ("address", "address"),
            ("result", "result"),
        ):
            if given[name]:
                rows = rows.filter(**{column: given[name]})
        return rows

    def used(self) -> list[str]:
        """The names of the filters in use, for the trail."""
        return [name for name in self.fields if self.data.get(name)]


def _people(chosen: str) -> list[tuple[str, str]]:
    """Users and those who are none; also a removed user who is `chosen`."""
    users = [
        (str(pk), name)
        for pk, name in User.objects.order_by("username").values_list("pk", "username")
    ]
    kinds = [(kind, str(ActorKind(kind).label)) for kind in KINDS]
    if (pk := read_id(chosen)) is not None and chosen not in dict(users):
        entry = AuditEntry.objects.filter(actor=pk).order_by("-at", "-pk").first()
        users += [(chosen, entry.actor_name or chosen)] if entry else []
    return [("", _("All")), *kinds, *users]


def _of(rows: QuerySet[AuditEntry], who: str) -> QuerySet[AuditEntry]:
    if not who:
        return rows
    if who in KINDS:
        return rows.filter(actor=None, kind__in=KINDS[who])
    return rows.filter(actor=int(who))
