"""Saved reports: sent when they are due where their owner is, once, and to nobody who may not read
them.
"""

import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from unittest.mock import patch

import pytest
import time_machine
from django.core import mail
from django.test import Client
from openpyxl import load_workbook

from campaigns.compose.models import CampaignState
from campaigns.reports.models import ReportDelivery, Rhythm, SavedReport
from campaigns.reports.shared.periods import Period
from campaigns.reports.spend import saved_reports
from campaigns.reports.spend.saved_reports import period_of
from campaigns.reports.spend.spending import Spending
from campaigns.shared.table_export import XLSX
from campaigns.team import mail_delivery
from campaigns.team.models import OutgoingMail, User
from tests.mail_server import MailServer
from tests.markup import squeezed
from tests.reports.factories import make_campaign, make_user, send

pytestmark = pytest.mark.django_db
TUESDAY = date(2026, 3, 31)


@pytest.fixture
def report(olena: User) -> SavedReport:
    """Saved on the 10th of March by somebody in Kyiv, where it is two hours later."""
    User.objects.filter(pk=olena.pk).update(email="olena@example.com", time_zone="Europe/Kyiv")
    with time_machine.travel(datetime(2026, 3, 10, 12, tzinfo=UTC)):
        return SavedReport.objects.create(
            owner=olena,
            name="Ours",
            query="group=campaign&country=UA&period=30",
            rhythm=Rhythm.DAILY,
            kind="csv",
        )


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """In March, whose 32nd is the first of April."""
    return datetime(2026, 3, 1, hour, minute, tzinfo=UTC) + timedelta(days=day - 1)


def deliver(now: datetime) -> int:
    """What the two tasks do at `now`; how many reports were mailed."""
    mailed = saved_reports.deliver_due_reports(now)
    mail_delivery.deliver_due()
    saved_reports.record_outcomes()
    return mailed


@pytest.mark.parametrize(
    ("rhythm", "first", "last"),
    [
        (Rhythm.DAILY, date(2026, 3, 30), date(2026, 3, 30)),
        (Rhythm.WEEKLY, date(2026, 3, 23), date(2026, 3, 29)),
        (Rhythm.MONTHLY, date(2026, 2, 1), date(2026, 2, 28)),
    ],
)
def test_period_of(rhythm: str, first: date, last: date) -> None:
    period = period_of(rhythm, TUESDAY)
    assert (period.first, period.last) == (first, last)


def test_deliver_at_eight_where_the_owner_is_and_never_twice(report: SavedReport) -> None:
    spring = make_campaign("Spring", CampaignState.FINISHED)
    send(spring, {("UA", "read"): 2, ("PL", "read"): 5}, Decimal("0.05"), at=at(10, 12))
    # the day before was over before the report was saved
    assert deliver(at(10, 20)) == 0
    assert deliver(at(11, 5, 59)) == 0
    assert [deliver(at(11, 6)) for _ in range(2)] == [1, 0]
    [letter] = mail.outbox
    assert (letter.to, letter.subject) == (["olena@example.com"], "ViberDash: Ours, 10 Mar 2026")
    assert "Spend by campaign, Country: Ukraine, 10 Mar 2026, time zone UTC." in letter.body
    assert "/spend/?group=campaign&country=UA&from=2026-03-10&to=2026-03-10" in letter.body
    [(name, content, kind)] = letter.attachments
    assert (name, kind) == ("spend-campaign-2026-03-10-2026-03-10.csv", "text/csv")
    assert str(content).splitlines()[1] == "Spring,EUR,0.10,0.00,0.00,0.00,0.10,0.10,0.00,2,0"
    assert ReportDelivery.objects.get().sent_at
    assert deliver(at(12, 6)) == 1


@pytest.mark.parametrize(
    ("zone", "rhythm", "too_early", "due", "days"),
    [
        # in Kiritimati it is 14 hours later: the site's 11th ends there at 14:00 on the 12th
        ("Pacific/Kiritimati", "daily", at(12, 17, 59), at(12, 18), "11 Mar 2026"),
        ("Pacific/Kiritimati", "weekly", at(16, 17, 59), at(16, 18), "9 Mar 2026 – 15 Mar 2026"),
        ("Pacific/Kiritimati", "monthly", at(32, 17), at(32, 18), "1 Mar 2026 – 31 Mar 2026"),
        ("Pacific/Honolulu", "daily", at(12, 17, 59), at(12, 18), "11 Mar 2026"),
        ("Asia/Shanghai", "daily", at(11, 23, 59), at(12, 0), "11 Mar 2026"),
    ],
)
def test_deliver_only_what_has_ended_where_the_site_is(
    report: SavedReport, zone: str, rhythm: str, too_early: datetime, due: datetime, days: str
) -> None:
    User.objects.update(time_zone=zone)
    SavedReport.objects.update(rhythm=rhythm)
    deliver(too_early)  # those of the days before
    assert deliver(due) == 1
    assert mail.outbox[-1].subject == f"ViberDash: Ours, {days}"
    assert f"{days}, time zone UTC." in mail.outbox[-1].body


def test_deliver_what_a_night_without_workers_left_over(report: SavedReport) -> None:
    User.objects.update(time_zone="Pacific/Kiritimati")
    assert deliver(at(13, 3)) == 1  # the 12th is not due, the 11th is
    assert ReportDelivery.objects.get().last == date(2026, 3, 11)


def test_deliver_attaches_a_workbook(report: SavedReport) -> None:
    SavedReport.objects.update(kind="xlsx")
    spring = make_campaign("Spring", CampaignState.FINISHED)
    send(spring, {("UA", "read"): 2}, Decimal("0.05"), at=at(11, 12))
    assert deliver(at(12, 6)) == 1
    [(name, content, kind)] = mail.outbox[0].attachments
    assert (name, kind) == ("spend-campaign-2026-03-11-2026-03-11.xlsx", XLSX)
    [sheet] = load_workbook(io.BytesIO(content)).worksheets
    assert next(sheet.iter_rows(min_row=2, max_col=3, values_only=True)) == ("Spring", "EUR", 0.1)


def test_deliver_after_a_crash_mails_once(report: SavedReport) -> None:
    with (
        patch("campaigns.reports.spend.saved_reports.mail_to", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        deliver(at(11, 6))
    assert not ReportDelivery.objects.exists()
    assert [deliver(at(11, 7)) for _ in range(2)] == [1, 0]


def test_deliver_loses_no_report_to_a_temporary_error(
    report: SavedReport, mail_server: MailServer, marketer: Client
) -> None:
    mail_server.replies["olena@example.com"] = ["451 try later"]
    with time_machine.travel(at(11, 6), tick=False) as clock:
        assert deliver(at(11, 6)) == 1
        page = squeezed(marketer.get("/spend/reports/").content.decode())
        assert "failed, will be tried again" in page
        clock.shift(300)
        assert deliver(at(11, 6, 5)) == 0
    assert [message["Subject"] for message in mail_server.received] == [
        "ViberDash: Ours, 10 Mar 2026"
    ]
    assert ReportDelivery.objects.get().sent_at == at(11, 6, 5)


def test_deliver_says_what_could_not_be_sent(
    report: SavedReport, mail_server: MailServer, marketer: Client
) -> None:
    SavedReport.objects.create(owner=report.owner, name="Z", rhythm="daily", kind="csv")
    SavedReport.objects.update(created_at=at(10, 12))
    mail_server.replies["olena@example.com"] = ["550 no such user"]
    assert deliver(at(11, 6)) == 2
    assert len(mail_server.received) == 1  # the one after the refused one
    failed = ReportDelivery.objects.get(sent_at=None)
    assert failed.failure == "550 no such user"
    assert "could not be sent" in marketer.get("/spend/reports/").content.decode()
    mail_delivery.resend(
        OutgoingMail.objects.filter(address="olena@example.com", state="failed"), report.owner
    )
    deliver(at(11, 7))
    failed.refresh_from_db()
    assert (bool(failed.sent_at), failed.failure) == (True, "")


def test_deliver_goes_on_after_a_report_that_fails(report: SavedReport) -> None:
    SavedReport.objects.create(owner=report.owner, name="A", rhythm="daily", kind="csv", query="x")
    SavedReport.objects.update(created_at=at(10, 12))
    really = saved_reports.spending_of

    def spending_of(which: SavedReport, period: Period) -> Spending:
        if which.name == "A":
            raise ValueError("broken")
        return really(which, period)

    with patch.object(saved_reports, "spending_of", spending_of):
        assert deliver(at(11, 6)) == 1
    assert [message.subject for message in mail.outbox] == ["ViberDash: Ours, 10 Mar 2026"]


def test_deliver_pauses_where_the_owner_lost_access(report: SavedReport, client: Client) -> None:
    User.objects.update(is_active=False)
    assert deliver(at(11, 6)) == 0
    report.refresh_from_db()
    assert report.paused
    User.objects.update(is_active=True)
    assert deliver(at(11, 7)) == 0
    client.force_login(report.owner)
    assert "could not sign in" in client.get("/spend/reports/").content.decode()
    client.post(f"/spend/reports/{report.pk}/resume")
    assert deliver(at(11, 8)) == 1


def test_pages(marketer: Client, olena: User) -> None:
    answer = marketer.post(
        "/spend/reports/new?group=country&channel=sms&page=3&evil=1",
        {"name": "SMS", "rhythm": "weekly", "kind": "csv"},
    )
    assert answer.status_code == 302
    one = SavedReport.objects.get()
    assert (one.owner, one.query) == (olena, "channel=sms&group=country")
    page = marketer.get("/spend/reports/").content.decode()
    assert 'href="/spend/?channel=sms&amp;group=country"' in page
    assert "by country, Channel: SMS" in page
    assert (
        marketer.post(
            "/spend/reports/new", {"name": "", "rhythm": "weekly", "kind": "csv"}
        ).status_code
        == 422
    )
    stranger = Client()
    stranger.force_login(make_user("taras"))
    assert stranger.post(f"/spend/reports/{one.pk}/delete").status_code == 404
    assert marketer.post(f"/spend/reports/{one.pk}/delete").status_code == 302
    assert not SavedReport.objects.exists()
