"""The audience of a campaign: lists, segments and earlier campaigns, each phone once.

Without the stop list, and without the lists, segments and earlier campaigns to exclude.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, Manager, OuterRef, Q, QuerySet

from campaigns.compose.audience import recipient_outcomes
from campaigns.compose.audience.frequency_cap import Cap, cap_of, has_reached
from campaigns.compose.audience.person_conditions import has_consent
from campaigns.compose.audience.segments import ConditionSet, distinct_phones, on_any_list
from campaigns.compose.models import Campaign, RecipientOutcome, Segment
from campaigns.contacts.models import Consent, Contact, ContactList, StopListEntry
from campaigns.team.models import Brand

# earlier campaigns, each with the outcome of the recipients to select
EarlierOutcomes = tuple[tuple[int, str], ...]
EXCLUDED = ("exclude_lists", "exclude_segments", "exclude_campaigns")


@dataclass(frozen=True, slots=True)
class Audience:
    """What an audience, saved or not, selects and excludes: ids, and earlier campaigns.

    All of it selects rows of contacts: a phone that is on no list any more is in no audience.
    """

    lists: tuple[int, ...] = ()
    exclude_lists: tuple[int, ...] = ()
    segments: tuple[int, ...] = ()
    exclude_segments: tuple[int, ...] = ()
    campaigns: EarlierOutcomes = ()
    exclude_campaigns: EarlierOutcomes = ()
    # the id of the campaign itself, whose own outcomes must not change its audience while frozen
    own: int = 0
    at: datetime | None = None  # the days of segments count back from here; None: now
    # The others are not shown, as approvals name an audience by what it shows (launch/approval.py).
    cap: Cap | None = field(default=None, repr=False)
    needs_consent: bool = field(default=False, repr=False)  # only those who agreed
    # what conditions on days take for today, of a run of a series; None: the day of `at`
    day: date | None = field(default=None, repr=False)

    @classmethod
    def of(cls, campaign: Campaign, at: datetime | None = None) -> "Audience":
        """The saved audience of `campaign`. Of a follow-up that has not started, the most that it
        can be: it is counted, priced and approved by that.
        """
        saved = cls.chosen_for(campaign, at)
        if not campaign.is_open_follow_up or campaign.follows is None:
            return saved
        return saved.at_most(campaign.follows)

    @classmethod
    def chosen_for(cls, campaign: Campaign, at: datetime | None = None) -> "Audience":
        """What is saved as the audience of `campaign`."""
        rows = sorted(campaign.earlier.values_list("left_out", "source", "outcome"))
        return cls(
            lists=_ids(campaign.lists),
            exclude_lists=_ids(campaign.exclude_lists),
            segments=_ids(campaign.segments),
            exclude_segments=_ids(campaign.exclude_segments),
            campaigns=tuple(
                (source, outcome) for excluded, source, outcome in rows if not excluded
            ),
            exclude_campaigns=tuple(
                (source, outcome) for excluded, source, outcome in rows if excluded
            ),
            own=campaign.pk,
            at=at,
            cap=cap_of(campaign),
            needs_consent=needs_consent(campaign),
            day=campaign.run_day,
        )

    def at_most(self, parent: Campaign) -> "Audience":
        """This audience with all recipients of `parent` for those with an outcome there. As long as
        `parent` has none, its audience stands for them.
        """
        others = replace(
            self,
            campaigns=tuple(row for row in self.campaigns if row[0] != parent.pk),
            exclude_campaigns=tuple(row for row in self.exclude_campaigns if row[0] != parent.pk),
        )
        if others.campaigns == self.campaigns:
            return others
        if parent.frozen_at:
            everybody = (parent.pk, RecipientOutcome.ALL.value)
            return replace(others, campaigns=tuple(sorted((*others.campaigns, everybody))))
        theirs, is_alone = Audience.of(parent), not others
        names = ("lists", "segments", "campaigns", *(EXCLUDED if is_alone else ()))
        both: dict[str, Any] = {
            name: tuple(sorted({*getattr(others, name), *getattr(theirs, name)})) for name in names
        }
        return replace(others, **both)

    def __bool__(self) -> bool:
        """Whether anything is selected at all."""
        return bool(self.lists or self.segments or self.campaigns)

    @property
    def has_only_lists(self) -> bool:
        """Whether only lists are selected, so that each contact is a row of one of them."""
        return not self.segments and not self.campaigns

    @property
    def has_no_duplicates(self) -> bool:
        """Whether no phone can be selected twice."""
        return self.has_only_lists and len(self.lists) < 2

    @property
    def asks_for_history(self) -> bool:
        """Whether messages of campaigns, perhaps its own, can matter."""
        return bool(
            self.segments
            or self.exclude_segments
            or self.campaigns
            or self.exclude_campaigns
            or self.cap
        )

    @property
    def has_exclusions(self) -> bool:
        """Whether anything but the stop list is excluded."""
        return bool(self.exclude_lists or self.exclude_segments or self.exclude_campaigns)

    def possible_lists(self) -> QuerySet[ContactList]:
        """The lists whose contacts can be in the audience."""
        return (
            ContactList.objects.filter(pk__in=self.lists)
            if self.has_only_lists
            else ContactList.objects.all()
        )

    def selected_contacts(self) -> QuerySet[Contact]:
        """Everybody who is selected, once per list."""
        return Contact.objects.filter(self._selected()).order_by()

    def allowed_contacts(self) -> QuerySet[Contact]:
        """Those of the selected who may be sent to, once per list."""
        contacts = self.selected_contacts().exclude(_on_stop_list())
        for excluded in self.exclusions():
            contacts = contacts.exclude(excluded)
        if self.needs_consent:
            contacts = contacts.filter(has_consent(Consent.GIVEN))
        return contacts.exclude(capped) if (capped := self.capped()) else contacts

    def recipients(self) -> QuerySet[Contact]:
        """Those who will be sent to, each phone once.

        Of a phone on several lists, it is the contact on the list that was created first. The
        others can fill its empty merge fields (merge_values).
        """
        contacts = self.allowed_contacts()
        if self.has_no_duplicates:
            return contacts
        earlier = Contact.objects.filter(
            self._selected(), msisdn=OuterRef("msisdn"), list__lt=OuterRef("list")
        )
        is_repeated = Q(Exists(earlier))
        if connection.vendor == "sqlite" and self.has_only_lists:
            # nobody is searched for on the first list; PostgreSQL joins the lists, without this
            is_repeated = Q(list__gt=min(self.lists)) & is_repeated
        return contacts.exclude(is_repeated)

    def _selected(self) -> Q:
        parts = [Q(list__in=self.lists)] if self.lists or not self else []
        parts += [self._segment(segment) for segment in _segments(self.segments)]
        parts += [self._received_outcome(source, outcome) for source, outcome in self.campaigns]
        return reduce(or_, parts)

    def exclusions(self) -> list[Q]:
        """The contacts to exclude, one condition for each reason."""
        parts = [on_any_list(Q(list__in=self.exclude_lists))] if self.exclude_lists else []
        parts += [
            on_any_list(self._segment(segment)) for segment in _segments(self.exclude_segments)
        ]
        return parts + [
            self._received_outcome(source, outcome) for source, outcome in self.exclude_campaigns
        ]

    def capped(self) -> Q | None:
        """The contacts who have reached the frequency cap; None: nobody can have."""
        return has_reached(self.cap, self.own, self.at) if self.cap else None

    def _segment(self, segment: Segment) -> Q:
        return ConditionSet.of(segment).contacts(self.at, self.own, self.day)

    def _received_outcome(self, source: int, outcome: str) -> Q:
        return recipient_outcomes.received_outcome(outcome, Q(pk=source), exclude_campaign=self.own)

    def funnel(self, recipients: int | None = None) -> "Funnel":
        """Count the steps from the selected contacts to the recipients, who may be counted already.

        Contacts are read only for what the other steps leave open.
        """
        if recipients is None:
            recipients = distinct_phones(self.allowed_contacts()).count()
        selected = self.selected_contacts().count()
        # few phones, looked for among many contacts
        on_stop_list = Q(msisdn__in=StopListEntry.objects.order_by().values("msisdn"))
        stop_listed = self.selected_contacts().filter(on_stop_list).count()
        not_stopped = selected - stop_listed
        allowed = with_capped = self._count_allowed(not_stopped, recipients)
        if self.cap:
            with_capped = replace(self, cap=None)._count_allowed(not_stopped)
        with_all = with_capped
        if self.needs_consent:
            with_all = replace(self, cap=None, needs_consent=False)._count_allowed(not_stopped)
        return Funnel(
            selected=selected,
            duplicates=allowed - recipients,
            stop_listed=stop_listed,
            excluded=not_stopped - with_all,
            without_consent=with_all - with_capped,
            capped=with_capped - allowed,
            recipients=recipients,
        )

    def _count_allowed(self, not_stopped: int, recipients: int | None = None) -> int:
        """How many of those `not_stopped` may be sent to, once per list. `recipients` may be
        counted already.
        """
        if self.has_no_duplicates and recipients is not None:
            return recipients
        if not (self.has_exclusions or self.cap or self.needs_consent):
            return not_stopped
        return self.allowed_contacts().count()

    def by_country_roughly(self) -> dict[str, int]:
        """Country -> contacts of the lists, as imports count them; empty for anything but lists."""
        if not self.has_only_lists:
            return {}
        counts: Counter[str] = Counter()
        for countries in self.possible_lists().values_list("countries", flat=True):
            counts.update(countries)
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def by_country(self) -> dict[str, int]:
        """Country -> recipients, the most first; "" is an unknown country."""
        rows = (
            self.recipients()
            .values_list("country")
            .annotate(n=Count("pk"))
            .order_by("-n", "country")
        )
        return dict(rows)


def needs_consent(campaign: Campaign, promotional: bool | None = None) -> bool:
    """Whether `campaign` goes only to those who agreed: a promotional one of a brand that says so.
    Tests go to the phones of users. `promotional`: what is not saved yet.

    The brand is read anew, since a sender keeps its campaign for hours.
    """
    is_promotional = campaign.promotional if promotional is None else promotional
    is_limited = is_promotional and campaign.test_contacts is None
    if not is_limited:
        return False
    brands = Brand.objects.filter(promotional_needs_consent=True)
    return campaign.brand_id in brands.values_list("pk", flat=True)


def _ids(related: Manager[Any]) -> tuple[int, ...]:
    return tuple(sorted(related.values_list("pk", flat=True)))


def _segments(ids: tuple[int, ...]) -> Iterable[Segment]:
    return Segment.objects.filter(pk__in=ids) if ids else ()


def _on_stop_list() -> Q:
    return Q(Exists(StopListEntry.objects.filter(msisdn=OuterRef("msisdn"))))


@dataclass(frozen=True, slots=True)
class Funnel:
    """`selected` contacts = `duplicates` + `stop_listed` + `excluded` + `without_consent` +
    `capped` + `recipients`.

    Each contact counts once, by the first of stop list, exclusions, consent and frequency cap that
    fits.
    """

    selected: int
    duplicates: int
    stop_listed: int
    excluded: int
    recipients: int
    without_consent: int = 0
    capped: int = 0


NOBODY = Funnel(0, 0, 0, 0, 0)


def audience_sources(campaign: Campaign, excluded: bool = False) -> list[tuple[str, str]]:
    """The lists, segments and campaigns that `campaign` selects or excludes: (name, URL)."""
    prefix = "exclude_" if excluded else ""
    saved = [
        *getattr(campaign, f"{prefix}lists").all(),
        *getattr(campaign, f"{prefix}segments").all(),
    ]
    sources = [(str(source), source.get_absolute_url()) for source in saved]
    earlier = campaign.earlier.filter(left_out=excluded).select_related("source")
    return sources + [(str(row), row.source.get_absolute_url()) for row in earlier]
