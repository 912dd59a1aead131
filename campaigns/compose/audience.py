"""Who a campaign goes to: its lists, without the stop list and without the lists to leave out, each phone once."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform

from campaigns.audience.models import Contact, StopListEntry
from campaigns.compose.models import Campaign

Values = tuple[str | None, ...]
CHUNK = 10_000  # contacts read at a time


@dataclass(frozen=True, slots=True)
class Audience:
    """The choice of lists, saved or not: ids of those that count and of those to leave out."""

    lists: tuple[int, ...]
    exclude_lists: tuple[int, ...] = ()

    @classmethod
    def of(cls, campaign: Campaign) -> "Audience":
        """The choice as `campaign` has it saved."""
        return cls(
            tuple(sorted(campaign.lists.values_list("pk", flat=True))),
            tuple(sorted(campaign.exclude_lists.values_list("pk", flat=True))),
        )

    def in_lists(self) -> QuerySet[Contact]:
        """Everybody on the lists, once per list."""
        return Contact.objects.filter(list__in=self.lists).order_by()

    def contacts(self) -> QuerySet[Contact]:
        """Those who may be sent to, once per list."""
        return self.in_lists().exclude(_stopped()).exclude(self._left_out())

    def people(self) -> QuerySet[Contact]:
        """Those who will be sent to, once: on several lists, the list made first gives the merge fields."""
        contacts = self.contacts()
        if len(self.lists) < 2:
            return contacts
        earlier = Contact.objects.filter(list__in=self.lists, msisdn=OuterRef("msisdn"), list__lt=OuterRef("list"))
        return contacts.exclude(Exists(earlier))

    def _left_out(self) -> Q:
        if not self.exclude_lists:
            return Q(pk__in=[])
        return Q(Exists(Contact.objects.filter(list__in=self.exclude_lists, msisdn=OuterRef("msisdn"))))

    def funnel(self) -> "Funnel":
        """How the lists come down to the people left; the numbers add up."""
        in_lists = self.in_lists().count()
        stop_listed = self.in_lists().filter(_stopped()).count()
        excluded = self.in_lists().exclude(_stopped()).filter(self._left_out()).count()
        rest = in_lists - stop_listed - excluded
        left = self.contacts().aggregate(n=Count("msisdn", distinct=True))["n"] if len(self.lists) > 1 else rest
        return Funnel(in_lists, rest - left, stop_listed, excluded, left)

    def by_country(self) -> dict[str, int]:
        """People by country, the largest first; "" where the country is not known."""
        rows = self.people().values_list("country").annotate(n=Count("pk")).order_by("-n", "country")
        return dict(rows)

    def combinations(self, names: tuple[str, ...]) -> Iterator[tuple[Values, str, int]]:
        """Combinations of values of the merge fields `names` with the country, and how many people have it.

        Counted by the chunk and not by the database, which would sort a million different ones: one may come again.
        """
        columns = [KeyTextTransform(name, "fields") for name in names]
        rows = self.people().values_list(*columns, "country").iterator(chunk_size=CHUNK)
        while chunk := Counter(islice(rows, CHUNK)):
            for row, people in chunk.items():
                yield row[:-1], row[-1], people


def _stopped() -> Q:
    return Q(Exists(StopListEntry.objects.filter(msisdn=OuterRef("msisdn"))))


@dataclass(frozen=True, slots=True)
class Funnel:
    """`in_lists` = `repeated` + `stop_listed` + `excluded` + `left`.

    Who is on the stop list is counted there alone, also where a list to leave out has them too.
    """

    in_lists: int
    repeated: int
    stop_listed: int
    excluded: int
    left: int


def audience_contacts(campaign: Campaign) -> QuerySet[Contact]:
    """Those whom `campaign` may be sent to, once per list they are on."""
    return Audience.of(campaign).contacts()


def count_people(campaign: Campaign) -> Funnel:
    """How many people `campaign` goes to, and why not to the others of its lists."""
    return Audience.of(campaign).funnel()
