"""One engine's figures for bench_frequency_cap, printed as name=value."""

import argparse
import statistics

from tests.benchmarks import dispatch_engine as engine  # sets Django up

from django.db import connection  # isort: skip
from django.utils import timezone  # isort: skip

from campaigns.compose.models import Campaign, FrequencyCap  # isort: skip
from campaigns.contacts.models import ContactList  # isort: skip
from campaigns.dispatch.freeze.recipients import freeze  # isort: skip
from campaigns.dispatch.models import Snapshot  # isort: skip
from tests.benchmarks.own_database import in_own_database  # isort: skip

EARLIER, CAP, DAYS, TIMES = 4, 3, 30, 3


def frozen(contacts: ContactList, messages: int = 0) -> tuple[Campaign, float]:
    """A new campaign to `contacts`, and the seconds that its freeze took; with a cap of so many
    messages, if any, that is set after the launch.
    """
    campaign = engine.launched(contacts)
    FrequencyCap.objects.all().delete()
    if messages:
        FrequencyCap.objects.create(messages=messages, days=DAYS)
    took = engine.seconds(lambda: freeze(campaign.pk, timezone.now() + engine.LONG))
    return campaign, took


def halves(people: int) -> list[ContactList]:
    """Lists of the first and of the second half, on which everybody has a phone of their own."""
    made = engine.contacts(people)
    parts = []
    for remainder in range(2):
        part = ContactList.objects.create(name=f"Half {remainder}", contact_count=people // 2)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO campaigns_contact (list_id, msisdn, country, fields)"
                " SELECT %s, msisdn, country, fields FROM campaigns_contact"
                " WHERE list_id = %s AND id %% 2 = %s ORDER BY id",
                [part.pk, made.pk, remainder],
            )
        parts.append(part)
    return [made, *parts]


def measure(people: int) -> dict[str, float]:
    """Freezes with and without a cap in turn; everybody has half as many messages as campaigns."""
    everybody, *parts = halves(people)
    for number in range(EARLIER):
        frozen(parts[number % 2])
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    without, capped = [], []
    for _ in range(TIMES):
        campaign, took = frozen(everybody)
        without.append(took)
        Campaign.objects.filter(pk=campaign.pk).update(promotional=False)  # it does not count
        campaign, took = frozen(everybody, CAP)
        capped.append(took)
        assert Snapshot.objects.get(campaign=campaign).left == people
        Campaign.objects.filter(pk=campaign.pk).update(promotional=False)
        FrequencyCap.objects.all().delete()
    campaign, nobody = frozen(everybody, EARLIER // 2)
    assert Snapshot.objects.get(campaign=campaign).capped == people
    return {
        "without": people / statistics.median(without),
        "capped": people / statistics.median(capped),
        "nobody": people / nobody,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("people", type=int)
    figures = measure(parser.parse_args().people)
    print("\n".join(f"{name}={figure}" for name, figure in figures.items()))


if __name__ == "__main__":
    in_own_database(main)
