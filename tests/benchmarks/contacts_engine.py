"""What bench_contacts measures on one database, in a process of its own: prints name=value, seconds
or milliseconds.

`python -m tests.benchmarks.contacts_engine FOLDER PEOPLE`. A fifth of the people are on one list,
the others on 40.
"""

import gc
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_databases, setup_test_environment, teardown_databases  # noqa: E402
from django.urls import reverse  # noqa: E402

from campaigns.contacts.importing import contact_store  # noqa: E402
from campaigns.contacts.lists import contact_lists  # noqa: E402
from campaigns.contacts.models import Contact, ContactList  # noqa: E402
from campaigns.contacts.search import index  # noqa: E402
from campaigns.team.models import User  # noqa: E402
from tests.benchmarks.contact_files import CITIES, NAMES, OPERATORS  # noqa: E402

SMALL_LISTS = 40
SLICE = 20_000
ASKED = 100
CHANCE = random.Random(20261124)


def fill(people: int) -> list[ContactList]:
    others = people * 4 // 5 // SMALL_LISTS
    return [
        _list("Everybody", people // 5),
        *(_list(f"List {number}", others) for number in range(SMALL_LISTS)),
    ]


def _list(name: str, size: int) -> ContactList:
    made = ContactList.objects.create(name=name, fields=["first_name", "city", "bonus"])
    numbers = CHANCE.sample(range(len(OPERATORS) * 10**7), size)
    for start in range(0, size, SLICE):
        part = numbers[start : start + SLICE]
        msisdns = [f"380{OPERATORS[number // 10**7]}{number % 10**7:07d}" for number in part]
        with transaction.atomic():
            contact_store.write(
                contact_store.ContactRows(msisdns, ["UA"] * len(part), list(_fields(part))),
                made.pk,
                None,
                update=True,
            )
    contact_lists.recount(made)
    return made


def _fields(numbers: list[int]) -> Iterator[str]:
    for number in numbers:
        person = {
            "first_name": f"{CHANCE.choice(NAMES)}{number % 1000}",
            "city": CHANCE.choice(CITIES),
        }
        yield json.dumps(
            person | {"bonus": str(number % 997)}, ensure_ascii=False, separators=(",", ":")
        )


def text() -> Iterator[str]:
    """Parts of phones of three digits and more, names, both, and what nobody has."""
    known = list(Contact.objects.filter(pk__gte=CHANCE.randrange(1, 1000)).order_by("pk")[:ASKED])
    for place, person in enumerate(known):
        start, length = CHANCE.randrange(9), CHANCE.randrange(3, 9)
        name = person.fields["first_name"]
        both = f"{name} {person.fields['city']}"
        kinds = (person.msisdn[start : start + length], person.msisdn[-4:], name, both)
        if place % 10 == 0:
            yield CHANCE.choice(("Немає такого", "000000000", "Валентин"))
        else:
            yield kinds[place % 4] if len(kinds[place % 4]) >= 3 else person.msisdn[-5:]


def timed(name: str, ask: Callable[[str], object], asked: list[str]) -> None:
    """Print the milliseconds within which 95 of 100 are answered, and 50."""
    ask(asked[0])
    gc.collect()
    times = []
    for one in asked:
        start = time.perf_counter()
        ask(one)
        times.append((time.perf_counter() - start) * 1000)
        if "--all" in sys.argv:
            print(f"{times[-1]:.0f} {one}", file=sys.stderr)
    print(
        f"{name}={sorted(times)[int(len(times) * 0.95) - 1]}\n{name}.median={median(times)}",
        flush=True,
    )


def measure(made: list[ContactList], client: Client) -> None:
    def page(address: str, **query: str) -> None:
        answer = client.get(address, query)
        assert answer.status_code in (200, 302), answer.status_code

    large, small = made[0].get_absolute_url(), made[1].get_absolute_url()
    asked = list(text())
    everywhere = reverse("person-search")
    timed("lists", lambda _w: page(reverse("list-list")), asked)
    timed(f"a_list_of_{made[0].contact_count}", lambda _w: page(large), asked)
    # its people were the first
    ids = [str(CHANCE.randrange(1, made[0].contact_count)) for _ in asked]
    timed("any_page_of_that_list", lambda pk: page(large, at=f"a{pk}.{pk}"), ids)
    phones = list(Contact.objects.filter(pk__in=ids).values_list("msisdn", flat=True))
    timed("a_person", lambda msisdn: page(reverse("person", args=[msisdn])), phones)
    timed("search_on_all_lists", lambda w: page(everywhere, q=w), asked)
    timed("search_on_that_list", lambda w: page(large, q=w), asked)
    timed(f"search_on_a_list_of_{made[1].contact_count}", lambda w: page(small, q=w), asked)


def main() -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    # nothing has been collected
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
    settings.STATIC_ROOT = sys.argv[1]  # a folder that is there
    # a test's database would be in memory, where nothing takes time
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = f"{sys.argv[1]}/contacts.sqlite3"
    setup_test_environment(debug=False)
    old = setup_databases(verbosity=0, interactive=False, serialized_aliases=())
    try:
        start = time.perf_counter()
        made = fill(int(sys.argv[2]))
        print(f"written={time.perf_counter() - start}")
        start = time.perf_counter()
        index.index_contacts()
        print(f"indexed={time.perf_counter() - start}", flush=True)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE")
        client = Client()
        client.force_login(User.objects.create_user("bench", password="bench"))
        measure([ContactList.objects.get(pk=one.pk) for one in made], client)
    finally:
        teardown_databases(old, verbosity=0)


if __name__ == "__main__":
    main()
