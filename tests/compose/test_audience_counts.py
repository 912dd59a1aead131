"""Large audiences: counted by a worker, and again as soon as what they are made of changes."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ

from campaigns.compose.audience import segments
from campaigns.compose.audience.selection import Audience
from campaigns.compose.audience.versions import Versions, versions_of
from campaigns.compose.launch import lifecycle
from campaigns.compose.message import audience_counts
from campaigns.compose.message.audience_counts import (
    count_requested,
    is_overdue,
    measure_now,
    measure_soon,
)
from campaigns.compose.message.measured_audience import measure
from campaigns.compose.message.render import CompiledMessage
from campaigns.compose.models import (
    AudienceCount,
    Campaign,
    Condition,
    ConditionKind,
    Match,
    Operator,
    RecipientOutcome,
    Segment,
)
from campaigns.contacts.importing import contact_store
from campaigns.contacts.lists import contact_lists, stop_list
from campaigns.contacts.models import Contact, ContactList, Import, StopListEntry
from campaigns.dispatch.models import Recipient, SendState, Snapshot
from campaigns.dispatch.tally import TallyChanges
from campaigns.shared.time_limit import time_limit
from tests.compose.factories import contact_list, draft, person, stop, ukrainians

pytestmark = pytest.mark.django_db
MESSAGE = CompiledMessage("Hi {first_name|you}", "https://x.ua/{city|all}", "{first_name} €{city|}")


@pytest.fixture
def all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience_counts, "COUNTED_AT_ONCE", 0)


@pytest.fixture
def audience() -> Audience:
    """Three recipients, and one who is left out; a fourth is on the stop list."""
    stop("380970000003")
    return Audience(
        (contact_list("A", ukrainians(5)).pk,), (contact_list("Out", ukrainians(1)).pk,)
    )


def list_called(name: str) -> ContactList:
    return ContactList.objects.get(name=name)


def count() -> None:
    """What a worker does with the requests."""
    for subject in AudienceCount.objects.values_list("pk", flat=True):
        count_requested(subject)


@pytest.mark.usefixtures("all_are_large")
def test_worker_counts_once_what_a_page_then_reads(audience: Audience) -> None:
    assert measure_soon(audience, MESSAGE) is None
    assert measure_soon(audience, MESSAGE) is None
    assert OrmQ.objects.count() == 1
    count()
    stored = measure_soon(audience, MESSAGE)
    assert stored is not None
    assert (stored.recipients, stored.newcomers) == (3, 3)
    stored.newcomers = None
    assert stored == measure(audience, MESSAGE)
    assert measure_now(audience, MESSAGE).recipients == 3
    assert OrmQ.objects.count() == 1


@pytest.mark.usefixtures("all_are_large")
def test_other_words_between_the_merge_tags_need_no_other_count(audience: Audience) -> None:
    count_of_first = measure_now(audience, MESSAGE)
    longer = CompiledMessage(
        "Good morning {first_name|you}", "https://example.com/{city|all}", "{first_name} €{city|}"
    )
    stored = measure_soon(audience, longer)
    assert stored is not None
    exact = measure(audience, longer)
    assert (stored.text, stored.link) == (exact.text, exact.link)
    assert stored.text != count_of_first.text
    assert measure_soon(audience, CompiledMessage("Hi {city|you}")) is None


@pytest.mark.usefixtures("all_are_large")
def test_lost_worker_is_replaced_and_a_missing_one_is_noticed(audience: Audience) -> None:
    with time_machine.travel("2026-03-01T12:00Z", tick=False) as clock:
        assert measure_soon(audience, MESSAGE) is None
        assert not is_overdue(audience, MESSAGE)
        clock.shift(timedelta(seconds=11))
        assert is_overdue(audience, MESSAGE)
        AudienceCount.objects.update(begun_at=timezone.now())
        assert not is_overdue(audience, MESSAGE)
        clock.shift(timedelta(seconds=121))
        assert measure_soon(audience, MESSAGE) is None
        assert OrmQ.objects.count() == 2
        count()
        assert measure_soon(audience, MESSAGE) is not None


@pytest.mark.usefixtures("all_are_large")
def test_page_counts_for_a_second_where_no_worker_does(
    audience: Audience, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(_audience: Audience, _template: CompiledMessage) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
                " SELECT COUNT(*) FROM n"
            )

    with time_machine.travel("2026-03-01T12:00Z", tick=False) as clock:
        assert measure_soon(audience, MESSAGE) is None
        clock.shift(timedelta(seconds=11))
        with monkeypatch.context() as patch:
            patch.setattr(audience_counts, "measure", endless)
            patch.setattr(audience_counts, "time_limit", lambda _seconds: time_limit(0.05))
            assert measure_soon(audience, MESSAGE) is None
        assert measure_soon(audience, MESSAGE) is None  # it was tried a moment ago
        cache.clear()
        measured = measure_soon(audience, MESSAGE)
        assert measured is not None
        assert measured.recipients == 3


# --- versions


def segment(**condition: object) -> Segment:
    whole = {"kind": ConditionKind.MESSAGES, "outcome": RecipientOutcome.READ} | condition
    return segments.save(Segment(name="S"), [Condition(**whole)], None)


def add_contact() -> None:
    contact_lists.add_contact(list_called("A"), "+380970000009", {}, "UA")


def remove_contact() -> None:
    first = Contact.objects.filter(list__name="A").values_list("pk", flat=True)[:1]
    contact_lists.remove_contacts(list_called("A"), first)


def change_a_value() -> None:
    contact = Contact.objects.filter(list__name="A")[0]
    seen = {"first_name": contact.fields["first_name"]}
    assert contact_lists.change_fields(contact, {"first_name": "Eve"}, seen, None) == {}


def exclude_another() -> None:
    contact_lists.remove_contacts(
        list_called("Out"), Contact.objects.filter(list__name="Out").values_list("pk", flat=True)
    )
    contact_lists.add_contact(list_called("Out"), "+380970000001", {}, "UA")


def copy_a_list() -> None:
    contact_lists.copy_contacts(contact_list("B", ukrainians(1, 50)), list_called("A"))


def import_changes_a_value() -> None:
    """A slice that adds nobody: only the import says how far it has come."""
    rows = contact_store.ContactRows(["380970000001"], ["UA"], ['{"first_name":"Eve"}'])
    contact_store.write(rows, list_called("A").pk, None, update=True)
    Import.objects.filter(list__name="A").update(next_row=1)


def stop_another_instead() -> None:
    stop_list.remove_entry(StopListEntry.objects.get(), None)
    stop_list.add_phones(["380970000002"], "", None)


LIST_CHANGES = [
    add_contact,
    remove_contact,
    change_a_value,
    exclude_another,
    copy_a_list,
    import_changes_a_value,
    stop_another_instead,
]


@pytest.mark.parametrize("change", LIST_CHANGES)
def test_every_change_of_lists_and_stop_list_is_another_version(
    audience: Audience, change: Callable[[], None]
) -> None:
    Import.objects.create(list=list_called("A"), list_name="A", file_name="a.csv")
    before = versions_of(audience)
    contact_lists.add_contact(contact_list("Unused", []), "+380970000001", {}, "UA")
    assert versions_of(audience) == before
    change()
    assert versions_of(audience).settled != before.settled


def test_segments_are_other_versions_with_any_list_and_with_their_conditions() -> None:
    contact_list("A", ukrainians(2))
    chosen = segment(kind=ConditionKind.FIELD, field="city", operator=Operator.IS, value="Kyiv")
    audience = Audience(segments=(chosen.pk,))
    versions = [versions_of(audience)]
    add_contact()
    versions.append(versions_of(audience))
    chosen.conditions.update(value="Lviv")
    versions.append(versions_of(audience))
    Segment.objects.update(match=Match.ANY)
    versions.append(versions_of(audience))
    assert len({version.settled for version in versions}) == 4
    assert len({version.moving for version in versions}) == 1


def test_outcomes_and_days_are_moving_versions() -> None:
    earlier = draft(name="Winter", frozen_at=timezone.now())
    history = segment(days=30)

    def versions() -> tuple[Versions, Versions]:
        chosen = ((earlier.pk, RecipientOutcome.ALL.value),)
        return versions_of(Audience(segments=(history.pk,))), versions_of(
            Audience(campaigns=chosen)
        )

    with time_machine.travel("2026-03-01T12:00Z", tick=False) as clock:
        steps = [versions()]
        Snapshot.objects.create(campaign=earlier, left=1)
        steps.append(versions())
        for states in (("accepted", "sent"), ("accepted", "read")):
            changes = TallyChanges()
            changes.add(earlier.pk, "UA", states[0], delivery_state=states[1])
            changes.write()
            steps.append(versions())
        clock.shift(timedelta(minutes=10))
        after = versions()
    for each in zip(*steps, strict=True):
        assert len({version.moving for version in each}) == 4
        assert len({version.settled for version in each}) == 1
    # a chosen campaign is the same ten minutes later; "in the last 30 days" is not
    assert (after[0].moving == steps[-1][0].moving, after[1] == steps[-1][1]) == (False, True)


@pytest.mark.usefixtures("all_are_large")
def test_sending_campaigns_do_not_keep_others_from_being_launched() -> None:
    contact_list("A", ukrainians(2))
    earlier = draft(name="Winter", frozen_at=timezone.now())
    Recipient.objects.create(
        campaign=earlier,
        msisdn="380970000000",
        reference="x",
        batch_number=1,
        send_state=SendState.ACCEPTED,
    )
    audience = Audience(campaigns=((earlier.pk, RecipientOutcome.SENT.value),))
    with time_machine.travel("2026-03-01T12:00Z", tick=False) as clock:
        assert measure_now(audience, MESSAGE).recipients == 1
        changes = TallyChanges()
        changes.add(earlier.pk, "UA", SendState.ACCEPTED)
        changes.write()
        assert measure_soon(audience, MESSAGE) is not None
        clock.shift(timedelta(seconds=61))
        assert measure_soon(audience, MESSAGE) is None


# --- pages


@pytest.fixture
def campaign(client: Client) -> Campaign:
    client.force_login(person())
    return draft(contact_list("A", ukrainians(3)), text="Hi {first_name|you} stop")


@pytest.mark.usefixtures("all_are_large")
def test_review_says_that_it_counts_and_then_shows_the_figures(
    client: Client, campaign: Campaign
) -> None:
    address = f"/campaigns/{campaign.pk}/review"
    page = client.get(address)
    assert "Counting recipients…" in page.content.decode()
    assert "launch-form" not in page.content.decode()
    assert "Counting recipients…" in client.get(f"{address}/counting").content.decode()
    count()
    ready = client.get(f"{address}/counting")
    assert (ready.status_code, ready["HX-Redirect"]) == (204, f"{address}?counted")
    assert "Send to 3 recipients" in client.get(ready["HX-Redirect"]).content.decode()


@pytest.mark.usefixtures("all_are_large")
def test_figures_ask_again_until_they_are_counted(client: Client, campaign: Campaign) -> None:
    posted = {"text": campaign.text, "lists": campaign.lists.get().pk, "draft": campaign.pk}
    counting = client.post("/campaigns/figures", posted).content.decode()
    assert 'hx-post="/campaigns/figures?counting"' in counting
    count()
    ready = client.post("/campaigns/figures?counting", posted).content.decode()
    assert "hx-post" not in ready
    assert re.search(r"<strong>3</strong>\s+recipients", ready)


def launch_by_form(client: Client, campaign: Campaign, page: str) -> str:
    """Confirm the launch on `page`; the message that came of it."""
    found = re.search(r'name="audience" value="([^"]+)"', page)
    assert found
    posted = {"recipients": "3", "audience": found[1]}
    address = f"/campaigns/{campaign.pk}/launch"
    return client.post(address, posted, follow=True).content.decode()


def test_launch_of_other_people_than_those_shown_is_refused(
    client: Client, campaign: Campaign
) -> None:
    page = client.get(f"/campaigns/{campaign.pk}/review").content.decode()
    Contact.objects.filter(msisdn="380970000001").update(msisdn="380970000009")
    answer = launch_by_form(client, campaign, page)
    assert "The audience changed after you opened this page." in answer
    assert Campaign.objects.get(pk=campaign.pk).state == "draft"
    page = client.get(f"/campaigns/{campaign.pk}/review").content.decode()
    assert "started" in launch_by_form(client, campaign, page)


@pytest.mark.usefixtures("all_are_large")
def test_launch_waits_for_the_count_of_what_changed(client: Client, campaign: Campaign) -> None:
    measure_now(Audience.of(campaign), CompiledMessage(campaign.text))
    page = client.get(f"/campaigns/{campaign.pk}/review").content.decode()
    change_a_value()
    answer = launch_by_form(client, campaign, page)
    assert "is being counted again" in answer
    assert Campaign.objects.get(pk=campaign.pk).state == "draft"
    count()
    answer = launch_by_form(client, campaign, page)
    assert "The audience changed after you opened this page." in answer


@pytest.mark.usefixtures("all_are_large")
def test_a_command_counts_by_itself(campaign: Campaign) -> None:
    lifecycle.launch(campaign.pk, None, 3)
    assert Campaign.objects.get(pk=campaign.pk).state == "preparing"
    assert AudienceCount.objects.get().result is not None
