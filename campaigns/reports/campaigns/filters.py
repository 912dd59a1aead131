"""Filters of the list and the calendar of campaigns, read from the query string."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from campaigns.compose.models import Campaign, CampaignState, Label, Sender, Trigger
from campaigns.reports.shared.periods import format_days, read_day
from campaigns.shared.days import reader_bounds
from campaigns.shared.query_values import read_id, read_search
from campaigns.team.models import User

# chosen values, by their key in the query string
CHOSEN = {"state": "state", "label": "label", "sender": "sender", "user": "who"}
LAUNCHED_OR_EDITED = Coalesce("launched_at", "updated_at")


@dataclass(frozen=True, slots=True)
class Choice:
    """An option of a filter; `value` is its value in the query string."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class ActiveFilter:
    """A filter in use: its key in the query string, and its label."""

    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Filters:
    """`labels`, `senders` and `users` are the options; the other fields are what is chosen.

    `unreadable`: a value was given that is no option; then no campaign is selected.
    """

    state: str = ""
    search: str = ""
    archived: bool = False
    label: str = ""
    sender: str = ""
    user: str = ""
    first: date | None = None
    last: date | None = None
    trigger: Trigger | None = None  # its runs; they are listed in no other way
    unreadable: bool = False
    labels: list[Label] = field(default_factory=list)
    senders: list[Choice] = field(default_factory=list)
    users: list[Choice] = field(default_factory=list)

    def apply(self, campaigns: QuerySet[Campaign]) -> QuerySet[Campaign]:
        """Return those of `campaigns` that all filters select."""
        selected = self.apply_undated(campaigns.filter(archived_at__isnull=not self.archived))
        if self.first:
            begin, _end = reader_bounds(self.first, self.first)
            selected = selected.annotate(when=LAUNCHED_OR_EDITED).filter(when__gte=begin)
        if self.last:
            _begin, end = reader_bounds(self.last, self.last)
            selected = selected.annotate(when=LAUNCHED_OR_EDITED).filter(when__lt=end)
        return selected

    def apply_undated(self, campaigns: QuerySet[Campaign]) -> QuerySet[Campaign]:
        """Apply the filters that the calendar has too: all but days and archive."""
        if self.unreadable:
            return campaigns.none()
        campaigns = campaigns.filter(trigger=self.trigger)
        if self.state:
            campaigns = campaigns.filter(state=self.state)
        if self.label:
            campaigns = campaigns.filter(labels=int(self.label))
        if self.sender:
            campaigns = campaigns.filter(sender=int(self.sender))
        if self.user:  # as in the table: who launched it, or else who created it
            user = int(self.user)
            campaigns = campaigns.filter(Q(launched_by=user) | Q(launched_by=None, created_by=user))
        return campaigns.filter(name__folded_contains=self.search) if self.search else campaigns

    @property
    def active(self) -> list[ActiveFilter]:
        """The filters in use, apart from state and search, which the page shows anyway."""
        active = [
            ActiveFilter("label", label.name)
            for label in self.labels
            if str(label.pk) == self.label
        ]
        if self.sender:
            active.append(ActiveFilter("sender", _choice_label(self.senders, self.sender)))
        if self.user:
            active.append(ActiveFilter("who", _choice_label(self.users, self.user)))
        if self.trigger:
            active.append(ActiveFilter("trigger", self.trigger.event))
        if self.first:
            day = format_days(self.first, self.first)
            active.append(ActiveFilter("from", _("from %(day)s") % {"day": day}))
        if self.last:
            day = format_days(self.last, self.last)
            active.append(ActiveFilter("to", _("until %(day)s") % {"day": day}))
        return active

    @property
    def any(self) -> bool:
        """Whether any filter is in use."""
        chosen = self.active or self.state or self.search or self.archived
        return bool(chosen or self.unreadable)

    @property
    def query(self) -> dict[str, str]:
        """The query string's values but the search, as the search form keeps them."""
        return {
            "state": self.state,
            "label": self.label,
            "sender": self.sender,
            "who": self.user,
            "from": self.first.isoformat() if self.first else "",
            "to": self.last.isoformat() if self.last else "",
            "archived": "1" if self.archived else "",
            "trigger": str(self.trigger.pk) if self.trigger else "",
        }


def read_filters(query: Mapping[str, str]) -> Filters:
    """Return the filters in a query string; with an unknown value, they select nothing.

    Three queries, for the options; one more for a trigger.
    """
    labels = list(Label.objects.all())
    senders = [Choice(str(sender.pk), sender.name) for sender in Sender.objects.all()]
    users = [
        Choice(str(user.pk), user.get_full_name() or user.username)
        for user in User.objects.order_by("username")
    ]
    options = {
        "state": list(CampaignState.values),
        "label": [str(label.pk) for label in labels],
        "sender": [choice.value for choice in senders],
        "who": [choice.value for choice in users],
    }
    chosen = {key: query.get(key, "") for key in options}
    days = {key: query.get(key, "") for key in ("from", "to")}
    first, last = read_day(days["from"]), read_day(days["to"])
    unreadable = any(value and value not in options[key] for key, value in chosen.items())
    unreadable |= bool(days["from"] and not first) or bool(days["to"] and not last)
    trigger = _read_trigger(query)
    unreadable |= bool(query.get("trigger")) and trigger is None
    if first and last and first > last:
        first, last = last, first
    known = {key: value if value in options[key] else "" for key, value in chosen.items()}
    return Filters(
        **{name: known[key] for name, key in CHOSEN.items()},
        search=read_search(query),
        archived=query.get("archived") == "1",
        first=first,
        last=last,
        trigger=trigger,
        unreadable=unreadable,
        labels=labels,
        senders=senders,
        users=users,
    )


def _read_trigger(query: Mapping[str, str]) -> Trigger | None:
    trigger_id = read_id(query.get("trigger", ""))
    return Trigger.objects.filter(pk=trigger_id).first() if trigger_id else None


def _choice_label(choices: list[Choice], value: str) -> str:
    return next(choice.label for choice in choices if choice.value == value)
