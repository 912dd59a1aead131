"""How pages write things: campaigns/templatetags/viberdash.py and states.py."""

import html
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.core.paginator import Paginator
from django.template import Context, RequestContext, Template
from django.test import RequestFactory
from django.utils import timezone
from django.utils.html import strip_tags

from campaigns.models import (
    Campaign,
    CampaignState,
    DeliveryState,
    ImportState,
    Recipient,
    Role,
    SendState,
    User,
)
from campaigns.templatetags import states, viberdash
from tests.markup import squeezed

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def text(value: str) -> str:
    return strip_tags(value).replace("\xa0", " ").replace("&nbsp;", " ")


def rendered(source: str, path: str = "/", **context: Any) -> str:
    request = RequestFactory().get(path)
    template = Template("{% load viberdash %}" + source)
    return squeezed(template.render(RequestContext(request, context)))


@pytest.mark.parametrize(
    ("value", "expected_text"),
    [
        (0, "0"),
        (999, "999"),
        (1234567, "1,234,567"),
        (None, "not yet known"),
        ("", "not yet known"),
    ],
)
def test_number(value: Any, expected_text: str) -> None:
    assert text(viberdash.number(value)) == expected_text


@pytest.mark.parametrize(
    ("part", "whole", "expected_text"),
    [
        (1, 8, "12.5%"),
        (2, 3, "66.7%"),
        (0, 8, "0%"),
        (8, 8, "100%"),
        (99_999, 100_000, ">99.9%"),
        (1, 100_000, "<0.1%"),
        (1, 0, "–"),
        (None, 8, "–"),
    ],
)
def test_percent(part: Any, whole: Any, expected_text: str) -> None:
    assert viberdash.percent(part, whole) == expected_text


@pytest.mark.parametrize(
    ("amount", "expected_text"),
    [
        (Decimal("1234.565"), "1,234.57 EUR"),
        (Decimal("0"), "0.00 EUR"),
        (Decimal("0.0023"), "0.0023 EUR"),
        (Decimal("-0.005"), "−0.005 EUR"),
        (Decimal("-12"), "−12.00 EUR"),
        (None, "not yet known"),
    ],
)
def test_money(amount: Decimal | None, expected_text: str) -> None:
    assert text(viberdash.money(amount, "EUR")) == expected_text


@pytest.mark.parametrize(
    ("amount", "expected_text"),
    [
        (Decimal("1234.5"), "1,234.50 EUR"),
        (Decimal("0.0125000"), "0.0125 EUR"),
        (Decimal("99999999999.1234567"), "99,999,999,999.1234567 EUR"),
        (None, "not yet known"),
    ],
)
def test_money_exact(amount: Decimal | None, expected_text: str) -> None:
    assert text(viberdash.money_exact(amount, "EUR")) == expected_text


@pytest.mark.parametrize(
    ("amount", "expected_text", "places", "title"),
    [
        (Decimal(0), "0.00 EUR", 2, ""),
        (Decimal("12.5000000"), "12.50 EUR", 2, ""),
        (Decimal("-0.125"), "−0.125 EUR", 3, ""),
        (Decimal("0.0412503"), "0.0413 EUR", 4, "0.0412503 EUR"),
        (Decimal("1234567.8912345"), "1,234,567.8912 EUR", 4, "1,234,567.8912345 EUR"),
        (Decimal("9.99995"), "10.00 EUR", 2, "9.99995 EUR"),
        (Decimal("0.0000001"), "<0.0001 EUR", 4, "0.0000001 EUR"),
        (Decimal("-0.0000001"), ">−0.0001 EUR", 4, "−0.0000001 EUR"),
    ],
)
def test_money_in_table(amount: Decimal, expected_text: str, places: int, title: str) -> None:
    written = viberdash.money_in_table(amount, "EUR")
    assert html.unescape(text(written)) == expected_text
    assert f'class="money places-{places}"' in written
    assert (f'title="{title}"' in written) if title else ("title=" not in written)


def test_money_in_table_without_currency_or_amount() -> None:
    assert text(viberdash.money_in_table(None, "EUR")) == "not yet known"
    assert text(viberdash.money_in_table("")) == "not yet known"
    assert text(viberdash.money_in_table(Decimal(-2))) == "−2.00"


def test_money_on_cards_has_all_decimals_in_the_title() -> None:
    written = viberdash.money(Decimal("1234567.8912345"), "EUR")
    assert text(written) == "1,234,567.89 EUR"
    assert 'title="1,234,567.8912345 EUR"' in written
    assert "title=" not in viberdash.money(Decimal("12.5"), "EUR")


@pytest.mark.parametrize(
    ("ahead", "expected_text"),
    [
        (timedelta(seconds=-10), "just now"),
        (timedelta(seconds=10), "in a moment"),
        (timedelta(minutes=-1), "1 minute ago"),
        (timedelta(minutes=30), "in 30 minutes"),
        (timedelta(hours=-3), "3 hours ago"),
        (timedelta(hours=1), "in 1 hour"),
        (timedelta(days=-2), "8 Mar, 14:00"),
        (timedelta(days=-200), "22 Aug 2025"),
    ],
)
@time_machine.travel(NOW, tick=False)
def test_moment(ahead: timedelta, expected_text: str) -> None:
    with timezone.override("Europe/Kyiv"):
        assert text(viberdash.moment(NOW + ahead)) == expected_text


@time_machine.travel(NOW, tick=False)
def test_moment_has_the_exact_time_for_machines_and_in_the_title() -> None:
    with timezone.override("Europe/Kyiv"):
        written = viberdash.moment(NOW)
    assert 'datetime="2026-03-10T12:00:00+00:00"' in written
    assert 'title="10 Mar 2026, 14:00:00 (Europe/Kyiv)"' in written


def test_times_that_are_not_there() -> None:
    assert viberdash.moment(None) == "–"
    assert viberdash.exact_time(None) == "–"


def test_exact_time_names_the_zone() -> None:
    with timezone.override("Europe/Kyiv"):
        assert text(viberdash.exact_time(NOW)) == "10 Mar 2026, 14:00 Europe/Kyiv"


def test_phone_is_masked_for_viewers() -> None:
    assert viberdash.phone("380972920283") == "+380\xa097\xa0292\xa00283"
    assert viberdash.phone("380972920283", User(role=Role.MARKETER)) == "+380\xa097\xa0292\xa00283"
    assert viberdash.phone("380972920283", User(role=Role.VIEWER)) == "+3809•••83"
    assert viberdash.phone("380972920283", User(role=Role.VIEWER, is_superuser=True)).startswith(
        "+380\xa097"
    )
    assert viberdash.phone("999") == "+999"


def test_who() -> None:
    assert viberdash.who(User(username="olena", first_name="Olena")) == "Olena"
    assert viberdash.who(User(username="olena")) == "olena"
    assert viberdash.who(None) == "–"


def test_text_in_numbers_is_escaped() -> None:
    assert "<b>" not in viberdash.money(Decimal(1), "<b>")
    assert "<b>" not in rendered("{% state_badge 'campaign' name %}", name="<b>")
    assert "<b>" not in rendered("{% icon name %}", name="<b>")


def test_every_state_has_a_word_and_a_colour_of_its_own_table() -> None:
    assert set(states.CAMPAIGN) == set(CampaignState.values)
    assert set(states.IMPORT) == set(ImportState.values)
    assert set(SendState.values) <= set(states.RECIPIENT)
    assert all(
        look.label and look.colour and look.icon
        for table in states.TABLES.values()
        for look in table.values()
    )


@pytest.mark.parametrize(
    ("send_state", "delivery_state", "word", "colour"),
    [
        (SendState.QUEUED, DeliveryState.NONE, "Queued", "secondary"),
        (SendState.ACCEPTED, DeliveryState.NONE, "Accepted", "azure"),
        (SendState.ACCEPTED, DeliveryState.SENT, "Accepted", "azure"),
        (SendState.ACCEPTED, DeliveryState.DELIVERED, "Delivered", "teal"),
        (SendState.ACCEPTED, DeliveryState.READ, "Read", "green"),
        (SendState.ACCEPTED, DeliveryState.FALLBACK, "By SMS", "indigo"),
        (SendState.ACCEPTED, DeliveryState.FALLBACK_DELIVERED, "By SMS", "indigo"),
        (SendState.ACCEPTED, DeliveryState.NOT_DELIVERED, "Not delivered", "orange"),
        (SendState.REFUSED, DeliveryState.NONE, "Refused", "red"),
        (SendState.UNRESOLVED, DeliveryState.NONE, "Unresolved", "yellow"),
        (SendState.CANCELLED, DeliveryState.NONE, "Cancelled", "dark"),
    ],
)
def test_recipient_badge(send_state: str, delivery_state: str, word: str, colour: str) -> None:
    recipient = Recipient(send_state=send_state, delivery_state=delivery_state)
    badge = rendered("{% recipient_badge recipient %}", recipient=recipient)
    assert strip_tags(badge).strip() == word
    assert f"state-{colour}" in badge


def test_campaign_badge_equals_its_component() -> None:
    tag = rendered("{% campaign_badge campaign %}", campaign=Campaign(state=CampaignState.PAUSED))
    component = rendered(
        "{% include 'components/state_badge.html' with kind='campaign' state='paused' only %}"
    )
    assert strip_tags(tag).strip() == "Paused"
    assert tag.strip() == component.strip()


def test_pager_keeps_the_query() -> None:
    page = Paginator(range(120), 50).page(2)
    written = rendered(
        "{% include 'components/pager.html' with page=page only %}", "/?q=a%26b&page=2", page=page
    )
    assert "51–100 of 120" in written
    assert 'href="?q=a%26b&amp;page=1"' in written
    assert 'href="?q=a%26b&amp;page=3"' in written


@pytest.mark.parametrize("rows", [0, 50])
def test_pager_says_nothing_where_there_is_one_page(rows: int) -> None:
    page = Paginator(range(rows), 50).page(1)
    assert rendered("{% include 'components/pager.html' %}", page=page).strip() == ""


def test_filter_chips_go_back_to_the_first_page() -> None:
    chips = [
        {"value": "draft", "label": "Draft", "count": 1200},
        {"value": "sent", "label": "Sent"},
    ]
    written = rendered(
        "{% include 'components/filter_chips.html' with name='state' chips=chips current='draft'"
        " all='All' only %}",
        "/?state=draft&page=3&q=x",
        chips=chips,
    )
    assert 'href="?state=sent&amp;q=x"' in written
    assert 'href="?q=x"' in written
    assert '<a class="chip" href="?state=draft&amp;q=x" aria-current="true">' in written
    assert "1,200" in written


@pytest.mark.parametrize(
    ("path", "target", "order"),
    [
        ("/", "name", ""),
        ("/?sort=name", "-name", "ascending"),
        ("/?sort=-name&page=2", "name", "descending"),
    ],
)
def test_sort_header(path: str, target: str, order: str) -> None:
    written = rendered("{% sort_header 'name' 'Name' %}", path)
    assert f'href="?sort={target}"' in written
    assert (f'aria-sort="{order}"' in written) is bool(order)


def test_menu_names_its_object_and_where_its_items_are() -> None:
    written = rendered("{% actions_menu 'list-menu' 7 name %}", name="a <x>")
    assert 'aria-label="Actions for a &lt;x&gt;"' in written
    assert 'hx-get="/contacts/7/menu"' in written
    assert '<a class="dropdown-item" href="/contacts/7/menu">' in written


def test_heading_is_the_title_unless_a_page_says_more() -> None:
    source = "{% extends 'base.html' %}{% block title %}A & B{% endblock %}"
    page = Template(source).render(_page_context())
    assert '<h1 class="page-title">A & B</h1>' in page
    page = Template(source + "{% block heading %}C{% endblock %}").render(_page_context())
    assert '<h1 class="page-title">C</h1>' in page
    assert "<title>A & B · ViberDash</title>" in page


def _page_context() -> Context:
    request = RequestFactory().get("/")
    request.user = User(username="olena")
    return RequestContext(request)


def test_progress_writes_plain_numbers_for_the_browser() -> None:
    written = rendered(
        "{% include 'components/progress.html' with value=1234 maximum=5000 label='Sent' only %}"
    )
    assert 'value="1234" max="5000"' in written
    assert "1,234 / 5,000" in strip_tags(written)
