"""What bench_audience measures on one database, in a process of its own: prints name=value, ratios
and seconds.

`python -m tests.benchmarks.audience_engine FOLDER CONTACTS`. Half of the contacts are on each of
two lists, a fifth of a list on the other one too, and one contact in 500 on the stop list.
"""

import sys
import time
from collections.abc import Callable
from functools import partial

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402

from campaigns.compose.audience.selection import Audience  # noqa: E402
from campaigns.compose.launch import lifecycle  # noqa: E402
from campaigns.compose.message.audience_counts import count_requested  # noqa: E402
from campaigns.compose.message.measured_audience import measure as measure_audience  # noqa: E402
from campaigns.compose.message.render import CompiledMessage  # noqa: E402
from campaigns.compose.models import AudienceCount, Campaign, Sender  # noqa: E402
from campaigns.contacts.models import ContactList  # noqa: E402
from campaigns.team.models import User  # noqa: E402
from tests.benchmarks.own_database import in_own_database  # noqa: E402

ROUNDS = 3
NAMES = ("Олена", "Andrii", "Марія", "Ion", "Anna €", "Oleksandr")


def fill(contacts: int) -> None:
    """Make the lists, each by one statement."""
    size = contacts // 2
    for name, start in (("Made first", 0), ("All of them", size * 4 // 5)):
        made = ContactList.objects.create(
            name=name,
            fields=["first_name", "city", "code"],
            contact_count=size,
            countries={"UA": size - size // 10, "RO": size // 10},
        )
        _insert(made.pk, start, size)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO campaigns_stoplistentry (msisdn, reason, created_at)"
            " SELECT DISTINCT msisdn, '', CURRENT_TIMESTAMP FROM campaigns_contact"
            " WHERE id % 500 = 0"
        )
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def _insert(list_id: int, start: int, size: int) -> None:
    names = " ".join(f"WHEN {number} THEN '{name}'" for number, name in enumerate(NAMES))
    values = (
        f"'first_name', CASE n % 7 {names} ELSE NULL END, 'city', 'City' || (n % 1000),"
        " 'code', 'C' || (CAST(n AS BIGINT) * 7919)"  # another for each contact
    )
    if connection.vendor == "postgresql":
        fields = f"JSONB_STRIP_NULLS(JSONB_BUILD_OBJECT({values}))"
        numbers = f"(SELECT GENERATE_SERIES({start}, {start + size - 1}) AS n) AS numbers"
    else:
        fields = f"JSON_PATCH('{{}}', JSON_OBJECT({values}))"
        numbers = (
            f"(WITH RECURSIVE numbers(n) AS (SELECT {start} UNION ALL SELECT n + 1 FROM numbers"
            f" WHERE n < {start + size - 1}) SELECT n FROM numbers) AS numbers"
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO campaigns_contact (list_id, msisdn, country, fields)"
            f" SELECT {list_id}, CASE WHEN n % 10 = 0 THEN '407' ELSE '38097' END"
            " || SUBSTR(CAST(10000000 + n AS TEXT), 2),"
            f" CASE WHEN n % 10 = 0 THEN 'RO' ELSE 'UA' END, {fields} FROM {numbers}"
        )


def bare_pass(names: tuple[str, ...]) -> None:
    """The same selection by hand, with the length of each value."""
    value = "fields ->> '{}'" if connection.vendor == "postgresql" else "fields ->> '$.{}'"
    sums = "".join(f", SUM(LENGTH({value.format(name)}))" for name in names)
    lists = ", ".join(map(str, ContactList.objects.values_list("pk", flat=True)))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*){sums} FROM campaigns_contact c WHERE list_id IN ({lists})"
            " AND NOT EXISTS (SELECT 1 FROM campaigns_stoplistentry s WHERE s.msisdn = c.msisdn)"
            " AND NOT EXISTS (SELECT 1 FROM campaigns_contact e WHERE e.msisdn = c.msisdn"
            f" AND e.list_id IN ({lists}) AND e.list_id < c.list_id)"
        )
        cursor.fetchone()


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def effort(work: Callable[[], object]) -> float:
    """Seconds for a ratio: on SQLite of the processor, so that other processes do not count."""
    if connection.vendor != "sqlite":
        return seconds(work)
    start = time.process_time()
    work()
    return time.process_time() - start


def say(name: str, value: float) -> None:
    print(f"{name}={value}", flush=True)


def ratios(audience: Audience) -> None:
    """Each in turn with a bare pass, since the speed of a machine varies."""
    messages = {
        "text_link_and_SMS_with_names_and_cities": CompiledMessage(
            "Hello {first_name|you}, {city}!", "https://x.ua/{city}", "{first_name|you}: {city}"
        ),
        "plain_text": CompiledMessage("Hello"),
        "text_with_another_code_for_each_contact": CompiledMessage("Your code is {code}"),
    }
    for name, message in messages.items():
        names = tuple(sorted(message.names))
        pairs = [
            (
                effort(partial(bare_pass, names)),
                effort(partial(measure_audience, audience, message)),
            )
            for _round in range(ROUNDS)
        ]
        bare, ours = (min(times) for times in zip(*pairs, strict=True))
        say(f"seconds.{name}:_a_bare_pass", bare)
        say(f"measured.{name}:_counted,_in_bare_passes", ours / bare)
        if names:
            counts = [effort(partial(bare_pass, ())) for _round in range(ROUNDS)]
            say(f"count_alone.{name}:_counted,_in_passes_that_only_count", ours / min(counts))


def work_off() -> None:
    """What a worker does."""
    for subject in AudienceCount.objects.values_list("pk", flat=True):
        count_requested(subject)


def pages(client: Client, campaign: Campaign) -> None:
    posted = {
        "name": "Bench", "sender": "Shop", "text": campaign.text, "sms_sender": "Shop",
        "button_caption": "Go", "button_url": campaign.button_url, "sms_text": campaign.sms_text,
        "promotional": "True", "lists": list(campaign.lists.values_list("pk", flat=True)),
        "timing": "now", "draft": str(campaign.pk),
    }  # fmt: skip
    review, edit = (f"/campaigns/{campaign.pk}/{name}" for name in ("review", "edit"))
    asked = {
        "figures": lambda: client.post("/campaigns/figures?counting", posted),
        "review": lambda: client.get(review),
    }
    held: list[float] = []
    for name, ask in asked.items():
        AudienceCount.objects.all().delete()
        first = seconds(ask)
        counted = seconds(work_off)
        again = seconds(ask)
        held += [first, again]
        say(f"page_first.{name},_until_they_are_there_the_first_time", first + counted + again)
        say(f"page_again.{name},_again", min(seconds(ask) for _round in range(ROUNDS)))
    held.append(seconds(lambda: client.get(edit)))
    held.append(seconds(lambda: client.post("/campaigns/preview", posted)))
    held.append(seconds(lambda: launch(campaign)))
    say("held.the_longest_request:_figures,_review,_edit,_preview,_launch", max(held))


def launch(campaign: Campaign) -> None:
    with transaction.atomic():
        lifecycle.launch(campaign.pk, None)
        transaction.set_rollback(True)


def main() -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
    settings.STATIC_ROOT = sys.argv[1]  # a folder that is there
    setup_test_environment(debug=False)

    def work() -> None:
        fill(int(sys.argv[2]))
        campaign = Campaign.objects.create(
            name="Bench", sender=Sender.objects.create(name="Shop"),
            text="Hello {first_name|you}, {city}! STOP: 1", button_caption="Go",
            button_url="https://x.ua/{city}", sms_sender="Shop",
            sms_text="{first_name|you}: {city}",
        )  # fmt: skip
        campaign.lists.set(ContactList.objects.all())
        ratios(Audience.of(campaign))
        client = Client()
        client.force_login(User.objects.create_superuser("bench", password="bench"))
        client.get("/campaigns")  # whatever is loaded once
        pages(client, campaign)

    in_own_database(work)


if __name__ == "__main__":
    main()
