"""A draft is repeated, and its runs go out."""

import re
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from campaigns.compose.models import PriceList, Series, SeriesRun
from campaigns.compose.series import runs
from campaigns.shared.days import site_today
from tests.browser.conftest import Console, Look
from tests.dispatch import factory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_series(signed_in: Page, look: Look, console: Console) -> None:
    console.allow("422")  # no day of the week
    signed_in.goto("/campaigns/series/")
    look(signed_in, "series-empty")
    draft = factory.draft(factory.contact_list("Clients", 3), budget=Decimal(5))
    signed_in.goto("/campaigns/")
    signed_in.get_by_role("button", name=re.compile("Actions")).first.click()
    signed_in.get_by_role("link", name="Repeat").click()
    month_day = signed_in.get_by_role("spinbutton", name="Day of the month")
    expect(month_day).to_be_hidden()
    signed_in.get_by_role("spinbutton", name="Recipients of a run").fill("100")
    signed_in.get_by_role("button", name="Set up series").click()
    expect(signed_in.get_by_text("Choose at least one day")).to_be_visible()
    look(signed_in, "series-new")
    signed_in.get_by_label("Repeat").select_option("daily")
    expect(signed_in.get_by_role("checkbox", name="Monday")).to_be_hidden()
    signed_in.get_by_role("button", name="Set up series").click()
    expect(signed_in.get_by_text("The series is set up.")).to_be_visible()
    look(signed_in, "series-off")
    signed_in.get_by_role("button", name="Switch on").click()
    expect(signed_in.get_by_text("The series is on.")).to_be_visible()
    series = Series.objects.get(draft=draft)
    today = site_today()
    SeriesRun.objects.create(series=series, day=today.replace(year=2020), reason="missed")
    rows = [
        {
            "country": code,
            "country_name": code,
            "mcc": "",
            "mnc": "0",
            "price": "0.1",
            "currency": "EUR",
        }
        for code, _prefix in factory.COUNTRIES
    ]
    PriceList.objects.create(channel="viber", tariff=0, rows=rows, fetched_at=timezone.now())
    Series.objects.filter(pk=series.pk).update(next_day=today, at=timezone.localtime().time())
    runs.start(series.pk, timezone.now())
    signed_in.reload()
    expect(signed_in.get_by_role("cell", name="Preparing")).to_be_visible()
    look(signed_in, "series-on")
    signed_in.get_by_role("button", name="Skip next run").click()
    expect(signed_in.get_by_text("The next run is skipped.")).to_be_visible()
    expect(signed_in.get_by_text("Skipped by a user")).to_be_visible()
    signed_in.goto("/campaigns/calendar")
    look(signed_in, "series-calendar")
    signed_in.goto("/campaigns/series/")
    look(signed_in, "series")
