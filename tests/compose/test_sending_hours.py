"""Sending hours and local times in the time zones of a place."""

from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine

from campaigns.compose.launch import checks
from campaigns.compose.models import Timing
from campaigns.compose.schedule.sending_hours import DAYTIME, Place, SendingHours, Timetable
from campaigns.compose.schedule.time_zones import zones_by_area, zones_of
from campaigns.contacts.models import ContactList
from tests.compose.factories import contact_list, draft, ukrainians

WINTER = datetime(2026, 1, 14, tzinfo=UTC)


def at(text: str) -> datetime:
    """A moment in UTC, "2026-01-14 07:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("country", "area", "moment", "day"),
    [
        ("UA", "", "2026-01-14 06:59", False),  # Kyiv is two hours ahead in winter …
        ("UA", "", "2026-01-14 07:00", True),
        ("UA", "", "2026-01-14 18:59", True),
        ("UA", "", "2026-01-14 19:00", False),
        ("UA", "", "2026-07-14 06:00", True),  # … and three in summer
        ("UA", "", "2026-07-14 18:00", False),
        ("UA", "", "2026-03-29 06:00", True),  # the day on which the clocks go forward
        ("UA", "", "2026-03-28 06:00", False),
        ("PT", "", "2026-01-14 09:30", False),  # the Azores are an hour behind Lisbon
        ("PT", "", "2026-01-14 10:00", True),
        ("RU", "", "2026-01-14 06:00", False),  # morning in Moscow, before nine in Kaliningrad
        ("RU", "", "2026-01-14 07:30", True),
        ("RU", "", "2026-01-14 09:00", False),  # 21:00 in Kamchatka
        ("US", "", "2026-01-14 15:00", False),
        # 09:00 in Hawaii, on the Aleutians, 14:00 in New York
        ("US", "", "2026-01-14 19:00", True),
        ("US", "America/New_York", "2026-01-14 14:00", True),
        ("US", "America/Los_Angeles", "2026-01-14 14:00", False),
        ("US", "America/Chicago America/Denver", "2026-01-14 15:30", False),
        ("US", "America/Chicago America/Denver", "2026-01-14 16:00", True),
    ],
)
def test_hours_are_open_in_the_local_time_of_a_place(
    country: str, area: str, moment: str, day: bool
) -> None:
    assert DAYTIME.is_open(Place(country, area), at(moment)) is day


@pytest.mark.parametrize(
    ("country", "area", "moment", "opens"),
    [
        ("UA", "", "2026-01-14 12:00", "2026-01-14 12:00"),  # now
        ("UA", "", "2026-01-14 03:00", "2026-01-14 07:00"),
        ("UA", "", "2026-01-14 19:00", "2026-01-15 07:00"),
        ("UA", "", "2026-03-28 20:00", "2026-03-29 06:00"),  # the clocks go forward in that night
        ("UA", "", "2026-10-24 20:00", "2026-10-25 07:00"),  # and back in that one
        ("RU", "", "2026-01-14 09:00", "2026-01-15 07:00"),
        ("US", "America/Los_Angeles", "2026-01-14 14:00", "2026-01-14 17:00"),
        ("NZ", "", "2026-01-14 09:00", "2026-01-14 20:00"),
    ],
)
def test_next_opening_is_within_the_hours_of_every_zone(
    country: str, area: str, moment: str, opens: str
) -> None:
    assert DAYTIME.next_opening(Place(country, area), at(moment)) == at(opens)


def test_zones_without_a_common_hour_have_no_next_opening() -> None:
    assert SendingHours(time(9), time(11)).next_opening(Place("RU"), WINTER) is None


def test_an_unknown_country_has_the_time_zone_of_the_site() -> None:
    assert [zone.key for zone in zones_of("")] == ["UTC"]
    assert [zone.key for zone in zones_of("ZZ")] == ["UTC"]


@pytest.mark.parametrize(
    ("phone", "zones"),
    [
        ("12125550100", "America/New_York"),
        ("13105550100", "America/Los_Angeles"),
        ("18085550100", "Pacific/Honolulu"),
        ("14165550100", "America/Toronto"),
        ("5511987654321", "America/Sao_Paulo"),
        # some numbers of this area are in the other zone
        ("5592987654321", "America/Manaus America/Sao_Paulo"),
        ("525512345678", "America/Mexico_City"),
    ],
)
def test_an_area_code_has_its_own_zones(phone: str, zones: str) -> None:
    assert zones_by_area()[phone[:4]] == zones


@pytest.mark.parametrize("written", ["09:00-21:00", " 9:00 – 21:00 "])
def test_hours_are_parsed_as_people_write_them(written: str) -> None:
    assert SendingHours.parse(written) == DAYTIME
    assert str(SendingHours.parse(written)) == "09:00-21:00"


@pytest.mark.parametrize(
    "written", ["", "9-21", "21:00-09:00", "09:00-09:00", "09:00-24:00", "09:60-21:00", "09:00"]
)
def test_hours_that_are_not_within_one_day_are_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        SendingHours.parse(written)


@pytest.mark.parametrize(
    "place", [Place("UA"), Place("PT"), Place("RU"), Place("US", "America/Denver"), Place("AU")]
)
def test_next_opening_is_the_first_open_minute(place: Place) -> None:
    minutes = (WINTER + timedelta(minutes=number) for number in range(2 * 24 * 60))
    assert DAYTIME.next_opening(place, WINTER) == next(
        minute for minute in minutes if DAYTIME.is_open(place, minute)
    )


def list_in(**countries: int) -> ContactList:
    made = contact_list("A", ukrainians(3))
    made.countries = countries
    made.save()
    return made


@pytest.mark.django_db
@time_machine.travel(at("2026-01-14 08:00"), tick=False)
def test_time_at_the_gateway_must_be_within_the_hours_of_every_country() -> None:
    campaign = draft(
        list_in(UA=2, US=1), timing=Timing.GATEWAY, scheduled_at=at("2026-01-14 10:00")
    )
    assert checks.problems(campaign) == []
    campaign.sending_hours = DAYTIME
    [problem] = checks.problems(campaign)
    assert problem.field == "scheduled_at"
    assert (
        problem.message == "This time is outside the sending hours 09:00-21:00 in: United States."
    )
    campaign.scheduled_at = at("2026-01-14 18:30")
    assert len(checks.problems(campaign)) == 1  # too early in Hawaii still


@pytest.mark.django_db
@time_machine.travel(at("2026-01-14 08:00"), tick=False)
def test_hours_without_a_common_hour_are_refused() -> None:
    campaign = draft(list_in(UA=2, RU=1))
    campaign.sending_hours = SendingHours(time(10), time(12))
    [problem] = checks.problems(campaign)
    assert problem.field == "sends_until"
    assert (
        problem.message
        == "Make the sending hours longer: 10:00-12:00 never applies in all time zones of Russia."
    )


@pytest.mark.parametrize(
    ("local", "place", "moment"),
    [
        ("2026-03-28T10:00", Place("UA"), "2026-03-28T08:00"),  # winter time
        ("2026-03-29T10:00", Place("UA"), "2026-03-29T07:00"),  # the day the clocks go forward
        # skipped: 04:30, the moment after
        ("2026-03-29T03:30", Place("UA"), "2026-03-29T01:30"),
        ("2026-10-25T03:30", Place("UA"), "2026-10-25T00:30"),  # comes twice: the first
        ("2026-01-15T10:00", Place("US", "America/Los_Angeles"), "2026-01-15T18:00"),
        # in both
        ("2026-01-15T10:00", Place("US", "America/Chicago America/New_York"), "2026-01-15T16:00"),
    ],
)
def test_local_time_is_a_moment_in_each_place(local: str, place: Place, moment: str) -> None:
    timetable = Timetable(None, datetime.fromisoformat(local))
    begins = datetime.fromisoformat(f"{moment}+00:00")
    assert timetable.next_opening(place, begins - timedelta(hours=20)) == begins
    assert not timetable.is_open(place, begins - timedelta(seconds=1))
    assert timetable.is_open(place, begins)


def test_local_time_at_night_waits_for_the_sending_hours() -> None:
    timetable = Timetable(DAYTIME, datetime.fromisoformat("2026-01-15T06:00"))
    now = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)  # within the hours, and before the time
    assert not timetable.is_open(Place("UA"), now)
    assert timetable.next_opening(Place("UA"), now) == datetime(2026, 1, 15, 7, 0, tzinfo=UTC)
