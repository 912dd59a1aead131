"""Who a campaign goes to: lists, segments and earlier campaigns, without the stop list and without
such to leave out.

Each phone once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, Exists, Manager, OuterRef, Q, QuerySet

from campaigns.compose.audience import recipient_outcomes
from campaigns.compose.audience.segments import ConditionSet, distinct_phones, on_any_list
from campaigns.compose.models import Campaign, Segment
from campaigns.contacts.models import Contact, ContactList, StopListEntry

# campaigns that went out, each with the outcome of those who are meant
EarlierOutcomes = tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is chosen and who is left out, saved or not: ids of lists and of segments, and earlier
    campaigns.

    All of it chooses rows of contacts: somebody who is on no list any more is in no audience.
    """

    lists: tuple[int, ...] = ()
    exclude_lists: tuple[int, ...] = ()
    segments: tuple[int, ...] = ()
    exclude_segments: tuple[int, ...] = ()
    campaigns: EarlierOutcomes = ()
    exclude_campaigns: EarlierOutcomes = ()
    # campaign whose it is: what becomes of its own people makes nobody come or go while it is
    # frozen
    own: int = 0
    at: datetime | None = None  # what the days of segments count back from; None: now

    @classmethod
    def of(cls, campaign: Campaign, at: datetime | None = None) -> "Audience":
        """The choice as `campaign` has it saved."""
        rows = sorted(campaign.earlier.values_list("left_out", "source", "outcome"))
        return cls(
            lists=_ids(campaign.lists),
            exclude_lists=_ids(campaign.exclude_lists),
            segments=_ids(campaign.segments),
            exclude_segments=_ids(campaign.exclude_segments),
            campaigns=tuple(
                (source, outcome) for left_out, source, outcome in rows if not left_out
            ),
            exclude_campaigns=tuple(
                (source, outcome) for left_out, source, outcome in rows if left_out
            ),
            own=campaign.pk,
            at=at,
        )

    def __bool__(self) -> bool:
        """Whether anything is chosen at all."""
        return bool(self.lists or self.segments or self.campaigns)

    @property
    def lists_alone(self) -> bool:
        """Whether nothing but lists is chosen, and each person is found by their row of one of
        them.
        """
        return not self.segments and not self.campaigns

    @property
    def once(self) -> bool:
        """Whether nobody can be chosen twice."""
        return self.lists_alone and len(self.lists) < 2

    def possible_lists(self) -> QuerySet[ContactList]:
        """The lists that somebody of the audience can be on."""
        return (
            ContactList.objects.filter(pk__in=self.lists)
            if self.lists_alone
            else ContactList.objects.all()
        )

    def in_lists(self) -> QuerySet[Contact]:
        """Everybody who is chosen, once per list."""
        return Contact.objects.filter(self._chosen()).order_by()

    def contacts(self) -> QuerySet[Contact]:
        """Those who may be sent to, once per list."""
        found = self.in_lists().exclude(_stopped())
        for part in self.left_out():
            found = found.exclude(part)
        return found

    def people(self) -> QuerySet[Contact]:
        """Those who will be sent to, once: on several lists, the list made first gives the merge
        fields.
        """
        contacts = self.contacts()
        if self.once:
            return contacts
        earlier = Contact.objects.filter(
            self._chosen(), msisdn=OuterRef("msisdn"), list__lt=OuterRef("list")
        )
        return contacts.exclude(Exists(earlier))

    def _chosen(self) -> Q:
        parts = [Q(list__in=self.lists)] if self.lists or not self else []
        parts += [self._segment(segment) for segment in _segments(self.segments)]
        parts += [self._met(source, outcome) for source, outcome in self.campaigns]
        return reduce(or_, parts)

    def left_out(self) -> list[Q]:
        """The people to leave out, by each reason."""
        audience_sources = (
            [on_any_list(Q(list__in=self.exclude_lists))] if self.exclude_lists else []
        )
        audience_sources += [
            on_any_list(self._segment(segment)) for segment in _segments(self.exclude_segments)
        ]
        return audience_sources + [
            self._met(source, outcome) for source, outcome in self.exclude_campaigns
        ]

    def _segment(self, segment: Segment) -> Q:
        return ConditionSet.of(segment).rows(self.at, self.own)

    def _met(self, source: int, outcome: str) -> Q:
        return recipient_outcomes.received_outcome(outcome, Q(pk=source), exclude_campaign=self.own)

    def funnel(self) -> "Funnel":
        """How those who are chosen come down to the people left; the numbers add up."""
        in_lists = self.in_lists().count()
        stop_listed = self.in_lists().filter(_stopped()).count()
        rest = self.contacts().count()
        left = rest if self.once else distinct_phones(self.contacts()).count()
        return Funnel(in_lists, rest - left, stop_listed, in_lists - stop_listed - rest, left)

    def by_country(self) -> dict[str, int]:
        """People by country, the largest first; "" where the country is not known."""
        rows = (
            self.people().values_list("country").annotate(n=Count("pk")).order_by("-n", "country")
        )
        return dict(rows)


def _ids(related: Manager[Any]) -> tuple[int, ...]:
    return tuple(sorted(related.values_list("pk", flat=True)))


def _segments(ids: tuple[int, ...]) -> Iterable[Segment]:
    return Segment.objects.filter(pk__in=ids) if ids else ()


def _stopped() -> Q:
    return Q(Exists(StopListEntry.objects.filter(msisdn=OuterRef("msisdn"))))


@dataclass(frozen=True, slots=True)
class Funnel:
    """`in_lists`, who was chosen in any way, = `repeated` + `stop_listed` + `excluded` + `left`.

    Who is on the stop list is counted there alone, also where they are to be left out too.
    """

    in_lists: int
    repeated: int
    stop_listed: int
    excluded: int
    left: int


def audience_sources(campaign: Campaign, left_out: bool = False) -> list[tuple[str, str]]:
    """What `campaign` goes to or leaves out, for a page: names of lists, segments and campaigns,
    with addresses.
    """
    prefix = "exclude_" if left_out else ""
    saved = [
        *getattr(campaign, f"{prefix}lists").all(),
        *getattr(campaign, f"{prefix}segments").all(),
    ]
    found = [(str(thing), thing.get_absolute_url()) for thing in saved]
    earlier = campaign.earlier.filter(left_out=left_out).select_related("source")
    return found + [(str(row), row.source.get_absolute_url()) for row in earlier]


def audience_contacts(campaign: Campaign) -> QuerySet[Contact]:
    """Those whom `campaign` may be sent to, once per list they are on."""
    return Audience.of(campaign).contacts()


def count_people(campaign: Campaign) -> Funnel:
    """How many people `campaign` goes to, and why not to the others of its lists."""
    return Audience.of(campaign).funnel()
