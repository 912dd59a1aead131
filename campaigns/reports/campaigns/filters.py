"""What the list and the calendar of campaigns are narrowed down to: read from the query string, for
bookmarks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from campaigns.compose.models import Campaign, CampaignState, Label, Sender
from campaigns.reports.shared.periods import read_day, span
from campaigns.team.models import User

WHEN = Coalesce("launched_at", "updated_at")


@dataclass(frozen=True, slots=True)
class Choice:
    """One that can be filtered by; the value stands in the address."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class On:
    """A filter that is on: its key in the query, and its words."""

    key: str
    words: str


@dataclass(frozen=True, slots=True)
class Filters:
    state: str = ""
    words: str = ""
    archived: bool = False
    label: str = ""
    sender: str = ""
    who: str = ""
    first: date | None = None
    last: date | None = None
    labels: list[Label] = field(default_factory=list)
    senders: list[Choice] = field(default_factory=list)
    people: list[Choice] = field(default_factory=list)

    def of(self, campaigns: QuerySet[Campaign]) -> QuerySet[Campaign]:
        """Those of `campaigns` that are asked for."""
        found = self.standing(campaigns.filter(archived_at__isnull=not self.archived))
        if self.first:
            found = found.annotate(when=WHEN).filter(when__gte=_begin(self.first))
        if self.last:
            found = found.annotate(when=WHEN).filter(when__lt=_begin(self.last + timedelta(days=1)))
        return found

    def standing(self, campaigns: QuerySet[Campaign]) -> QuerySet[Campaign]:
        """Those of `campaigns` with this state, label, sender, person and words, whenever they go
        out.
        """
        if self.state:
            campaigns = campaigns.filter(state=self.state)
        if self.label:
            campaigns = campaigns.filter(labels=int(self.label))
        if self.sender:
            campaigns = campaigns.filter(sender=int(self.sender))
        if self.who:  # as the table shows it: who launched it, before that who made it
            by = int(self.who)
            campaigns = campaigns.filter(Q(launched_by=by) | Q(launched_by=None, created_by=by))
        return campaigns.filter(name__icontains=self.words) if self.words else campaigns

    @property
    def on(self) -> list[On]:
        """The filters that are on, apart from state and words, which show themselves."""
        found = [On("label", label.name) for label in self.labels if str(label.pk) == self.label]
        found += [On("sender", _word(self.senders, self.sender))] if self.sender else []
        found += [On("who", _word(self.people, self.who))] if self.who else []
        found += (
            [On("from", _("from %(day)s") % {"day": span(self.first, self.first)})]
            if self.first
            else []
        )
        found += (
            [On("to", _("until %(day)s") % {"day": span(self.last, self.last)})]
            if self.last
            else []
        )
        return found

    @property
    def any(self) -> bool:
        """Whether anything is filtered at all."""
        return bool(self.on or self.state or self.words or self.archived)

    @property
    def kept(self) -> dict[str, str]:
        """The filters beside the words, as a search keeps them."""
        days = {
            "from": self.first.isoformat() if self.first else "",
            "to": self.last.isoformat() if self.last else "",
        }
        chosen = {"state": self.state, "label": self.label, "sender": self.sender, "who": self.who}
        return {**chosen, **days, "archived": "1" if self.archived else ""}


def read_filters(query: Mapping[str, str]) -> Filters:
    """What a query string asks for. What it names that is not there is not filtered by. Three
    queries: the choices.
    """
    labels = list(Label.objects.all())
    senders = [Choice(str(sender.pk), sender.name) for sender in Sender.objects.all()]
    people = [
        Choice(str(one.pk), one.get_full_name() or one.username)
        for one in User.objects.order_by("username")
    ]
    state = query.get("state", "")
    first, last = read_day(query.get("from", "")), read_day(query.get("to", ""))
    if first and last and first > last:
        first, last = last, first
    return Filters(
        state=state if state in CampaignState.values else "",
        words=words_of(query),
        archived=query.get("archived") == "1",
        label=_known(query.get("label", ""), (str(label.pk) for label in labels)),
        sender=_known(query.get("sender", ""), (one.value for one in senders)),
        who=_known(query.get("who", ""), (one.value for one in people)),
        first=first,
        last=last,
        labels=labels,
        senders=senders,
        people=people,
    )


def words_of(query: Mapping[str, str]) -> str:
    """What is searched for. No name has a NUL in it, and PostgreSQL would refuse one."""
    return query.get("q", "").replace("\0", "").strip()


def _begin(day: date) -> datetime:
    return datetime.combine(day, time.min, settings.SITE_ZONE)


def _known(value: str, values: Iterable[str]) -> str:
    return value if value in values else ""


def _word(choices: list[Choice], value: str) -> str:
    return next(choice.label for choice in choices if choice.value == value)
