"""A form that is submitted twice creates and spends once; every form that does either is known."""

import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils.crypto import get_random_string

from campaigns.models import (
    Campaign,
    CampaignState,
    CampaignTemplate,
    Contact,
    ContactList,
    Label,
    LedgerEntry,
    Note,
    Picture,
    Purpose,
    Role,
    SavedReport,
    Segment,
    Sender,
    Submission,
    TestGroup,
    User,
)
from campaigns.team import tasks
from campaigns.team.pages import submissions
from tests.compose.factories import contact_list, draft, person, senders, ukrainians
from tests.compose.test_library import upload
from tests.reports.factories import make_campaign, send

pytestmark = pytest.mark.django_db
TEMPLATES = Path("templates")
FORM = re.compile(r"<form\b.*?</form>", re.DOTALL)
ACTION = re.compile(r"""action="\{% url ['"]([a-z-]+)""")
# forms without an address of their own in the template, and the addresses that they post to
OWN_ADDRESS = {
    "campaigns/compose/composer.html": {"campaign-new", "campaign-edit"},
    "campaigns/compose/segment_form.html": {"segment-new", "segment-edit"},
    "campaigns/contacts/import_new.html": {"import-new", "import-address", "import-paste"},
    "campaigns/contacts/import_schedule.html": {"import-schedule-new"},
    "campaigns/dispatch/resend.html": {"campaign-resend"},
    "campaigns/results/stop_proposals.html": {"stop-proposals"},
}
# What may be done again: the same a second time changes nothing, and creates and spends nothing. A
# gateway check has a token of its own, since it goes on while its page shows the steps; the script
# of the composer uploads each chosen image once.
REPEATABLE = {
    "account", "account_change_password", "account_login", "account_logout",
    "account_reauthenticate", "account_reset_password", "account_reset_password_from_key",
    "approval-limit-delete", "brand-key", "brand-key-remove", "brand-rename", "campaign-archive",
    "campaign-autosave",
    "campaign-cancel", "campaign-delete", "campaign-figures", "campaign-hours", "campaign-labels",
    "campaign-pause", "campaign-present", "campaign-preview", "campaign-resume",
    "campaign-return", "campaign-time", "campaign-unarchive", "confirm-account",
    "confirm-restore", "contact-edit",
    "campaign-variant", "consent-setting", "contact-remove", "contact-stop",
    "frequency-cap-remove", "gateway-check", "gateway-check-list", "hold", "hold-release",
    "import-back",
    "import-cancel", "import-columns", "import-layout", "import-schedule-delete",
    "import-schedule-pause", "import-schedule-resume", "label-delete", "label-edit",
    "brand-logo-remove", "list-delete", "list-edit", "list-public", "list-sign-up", "list-types",
    "mail-discard", "mail-resend", "mail-resend-all",
    "member-close", "member-factor", "member-link", "member-reopen", "member-role",
    "member-sign-out", "mfa_activate_totp", "mfa_add_webauthn", "mfa_authenticate",
    "mfa_deactivate_totp", "mfa_edit_webauthn", "mfa_generate_recovery_codes",
    "mfa_login_webauthn", "mfa_reauthenticate", "mfa_reauthenticate_webauthn",
    "mfa_remove_webauthn", "month-budget-delete", "note-delete", "person-erase", "person-stop",
    "picture-delete", "picture-rename", "picture-upload", "rehearsal-clear",
    "saved-report-delete", "saved-report-resume", "series-end", "series-off", "series-on",
    "series-plan", "series-skip", "segment-count", "segment-delete",
    "segment-edit", "sender-delete", "session-end", "sessions-end", "statistics-files",
    "stop-proposals-setting",
    "stop-lift", "template-delete", "template-lock", "test-group-delete", "token-revoke",
    "trigger-detail", "trigger-end", "trigger-off", "trigger-on", "trigger-skip",
    "user-budget-delete", "webhook", "webhook-delete", "webhook-secret", "webhook-switch",
}  # fmt: skip


def patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            yield entry
        elif entry.app_name not in ("admin", "ninja"):  # the API: tests/api
            yield from patterns(entry)


ADDRESSES = {pattern.name: pattern for pattern in patterns(get_resolver()) if pattern.name}
ONCE = {name for name, pattern in ADDRESSES.items() if hasattr(pattern.callback, "is_once")}


@pytest.fixture
def boss() -> User:
    return person(Role.ADMINISTRATOR, "boss")


@pytest.fixture
def signed_in(client: Client, boss: User) -> Client:
    client.force_login(boss)
    return client


def test_every_address_that_takes_a_form_is_known(boss: User) -> None:
    """Whoever adds one decides whether a second submit must be answered with the first's result."""
    takes = set()
    for name, pattern in ADDRESSES.items():
        values = {"pk": 10**6, "msisdn": "380000000000", "name": "x"}
        values |= {"uidb36": "1", "key": "x", "step": "ask", "token": "x"}
        given = {key: values[key] for key in pattern.pattern.converters}
        client = Client()  # another one, as signing out is among them
        client.force_login(boss)
        if client.post(reverse(name, kwargs=given)).status_code != 405:
            takes.add(name)
    assert takes - ONCE == REPEATABLE
    assert takes >= ONCE


def test_forms_have_a_token_where_their_address_wants_one() -> None:
    with_token: set[str] = set()
    for path in sorted(TEMPLATES.rglob("*.html")):
        for form in FORM.findall(path.read_text(encoding="utf-8")):
            action = ACTION.search(form)
            name = path.relative_to(TEMPLATES).as_posix()
            posts_to = {action[1]} if action else OWN_ADDRESS.get(name, set())
            if "{% submission_token %}" in form:
                with_token |= posts_to
            elif 'method="post"' in form:
                assert not posts_to & ONCE, f"{name}: a form without {{% submission_token %}}"
    # all others are drawn by crispy, or asked for by the button that confirms
    drawn = {
        "approval-limits", "campaign-budget", "campaign-cap", "corrections", "frequency-cap",
        "label-list", "list-add", "list-copy",
        "list-paste", "month-budgets", "person-edit", "saved-report-new", "sender-list",
        "stop-list", "test-groups", "rehearsal-live", "campaign-autosave-new", "member-list",
        "brand-list", "token-list", "webhook-list", "trigger-new", "series-new",
        "campaign-follow-up", "brand-logo",
    }  # fmt: skip
    assert with_token | drawn >= ONCE
    for name in ("bootstrap5/form_content.html", "components/confirm_button.html"):
        assert "{% submission_token %}" in (TEMPLATES / name).read_text(encoding="utf-8")


def form_token(client: Client, page: str) -> str:
    found = re.search(r'name="submission" value="(\w{32})"', client.get(page).content.decode())
    assert found
    return found[1]


def finished() -> Campaign:
    campaign = make_campaign("Autumn", CampaignState.FINISHED)
    send(campaign, {("UA", "refused"): 2})
    return campaign


def ready() -> Campaign:
    return draft(contact_list("Town", ukrainians(3)), name="Spring")


def saved_draft() -> dict[str, Any]:
    return {
        "name": "Fresh", "sender": "Shop", "text": "Hello", "promotional": "True", "timing": "now",
        "validity_0": "1", "validity_1": "days", "tariff": "0", "version": "", "then": "stay",
    }  # fmt: skip


Case = tuple[str, Callable[[], Any], dict[str, Any], Callable[[], int]]
CASES: dict[str, Case] = {
    "duplicate": ("campaign-duplicate", ready, {}, Campaign.objects.count),
    "test send": (
        "campaign-test",
        ready,
        {"phones": "0972920283"},
        Campaign.objects.filter(purpose=Purpose.TEST).count,
    ),
    "rehearsal": (
        "campaign-rehearse",
        ready,
        {},
        Campaign.objects.filter(purpose=Purpose.REHEARSAL).count,
    ),
    "resend": ("campaign-resend", finished, {}, Campaign.objects.count),
    "note": ("campaign-note", ready, {"text": "Look"}, Note.objects.count),
    "template": ("template-save", ready, {"name": "Sale"}, CampaignTemplate.objects.count),
    "autosave": ("campaign-autosave-new", lambda: None, {"name": "New"}, Campaign.objects.count),
    "segment copy": (
        "segment-duplicate",
        lambda: Segment.objects.create(name="S"),
        {},
        Segment.objects.count,
    ),
    "list copy": (
        "list-copy",
        lambda: contact_list("Town", ukrainians(2)),
        {"name": "Copy"},
        ContactList.objects.count,
    ),
    "contact": (
        "list-add",
        lambda: contact_list("Town", []),
        {"phone": "0972920283"},
        Contact.objects.count,
    ),
    "report": (
        "saved-report-new",
        lambda: None,
        {"name": "Ours", "rhythm": "daily", "kind": "csv"},
        SavedReport.objects.count,
    ),
    "correction": (
        "corrections",
        lambda: None,
        {"channel": "viber", "amount": "1.50", "currency": "EUR", "note": "Fee"},
        LedgerEntry.objects.count,
    ),
    "test group": (
        "test-groups",
        lambda: None,
        {"name": "Team", "phones": "0972920283"},
        TestGroup.objects.count,
    ),
    "label": ("label-list", lambda: None, {"name": "VIP", "colour": "blue"}, Label.objects.count),
    "sender": ("sender-list", lambda: None, {"name": "Bank"}, Sender.objects.count),
    "campaign": ("campaign-new", lambda: senders("Shop"), saved_draft(), Campaign.objects.count),
    "image": ("picture-add", lambda: None, {"picture": None}, Picture.objects.count),
}


@pytest.mark.parametrize("name", CASES)
def test_a_repeated_submit_gets_the_result_of_the_first(signed_in: Client, name: str) -> None:
    address, make, data, count = CASES[name]
    target = make()
    url = reverse(address, args=[target.pk] if target else [])

    def submit(token: str) -> Any:
        files = {"picture": upload()} if "picture" in data else {}
        return signed_in.post(url, {**data, **files, "submission": token})

    before, token = count(), get_random_string(32)
    first = submit(token)
    assert (first.status_code, count()) == (200 if name == "autosave" else 302, before + 1)
    second = submit(token)
    assert count() == before + 1
    assert (second.headers.get("Location"), second.status_code) == (
        first.headers.get("Location"),
        first.status_code,
    )
    if name == "autosave":
        assert second.json() == first.json()


def test_pages_show_another_token_each_time_and_it_works(signed_in: Client) -> None:
    campaign = ready()
    page = f"/campaigns/{campaign.pk}/"
    tokens = {form_token(signed_in, f"{page}edit") for _ in range(2)}
    assert len(tokens) == 2
    for token in [*tokens, *tokens]:
        answer = signed_in.post(f"{page}duplicate", {"submission": token}, follow=True)
        assert "Campaign duplicated. This is the copy." in answer.content.decode()
    assert Campaign.objects.count() == 3


def test_a_form_that_failed_can_be_submitted_again(signed_in: Client) -> None:
    token = form_token(signed_in, "/settings/test-groups/")
    wrong = {"name": "Team", "phones": "nobody", "submission": token}
    assert signed_in.post("/settings/test-groups/", wrong).status_code == 422
    assert not Submission.objects.exists()
    right = wrong | {"phones": "0972920283"}
    assert signed_in.post("/settings/test-groups/", right).status_code == 302
    assert TestGroup.objects.get().phones == ["0972920283"]


def test_after_the_back_button_other_content_is_another_submit(signed_in: Client) -> None:
    page = reverse("campaign-note", args=[ready().pk])
    for text in ("First", "Second", "First"):
        signed_in.post(page, {"text": text, "submission": "x"})
    assert sorted(Note.objects.values_list("text", flat=True)) == ["First", "Second"]


def test_what_was_refused_is_tried_again(signed_in: Client) -> None:
    campaign = draft(name="Spring")  # without an audience
    page, posted = reverse("campaign-rehearse", args=[campaign.pk]), {"submission": "x"}
    signed_in.post(page, posted)
    campaign.lists.add(contact_list("Town", ukrainians(3)))
    signed_in.post(page, posted)
    assert Campaign.objects.filter(purpose=Purpose.REHEARSAL).count() == 1


def test_nobody_gets_the_result_of_another_user(signed_in: Client) -> None:
    page = reverse("campaign-duplicate", args=[ready().pk])
    first = signed_in.post(page, {"submission": "x"}).headers["Location"]
    another = Client()
    another.force_login(person(username="olena"))
    assert another.post(page, {"submission": "x"}).headers["Location"] != first


def test_a_submit_that_crashed_does_not_count(signed_in: Client) -> None:
    url = reverse("campaign-note", args=[10**6])
    assert signed_in.post(url, {"text": "x", "submission": "x"}).status_code == 404
    assert not Submission.objects.exists()


def test_a_submit_under_way_is_waited_for_and_one_that_died_is_done_again(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submissions, "WAIT", 0)
    page, posted = reverse("campaign-duplicate", args=[ready().pk]), {"submission": "x"}
    now = datetime(2026, 3, 31, 12, tzinfo=UTC)
    with time_machine.travel(now, tick=False) as clock:
        signed_in.post(page, posted)
        Submission.objects.update(answered_at=None)  # as if it were still under way
        answer = signed_in.post(page, posted)
        assert (answer.status_code, Campaign.objects.count()) == (409, 2)
        assert "It is not done twice." in answer.content.decode()
        clock.shift(timedelta(minutes=4))
        assert signed_in.post(page, posted).status_code == 302
    assert Campaign.objects.count() == 3
    tasks.prune()
    assert not Submission.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_submits_at_the_same_time_are_one(boss: User) -> None:
    draft = ready()
    page = reverse("campaign-test", args=[draft.pk])
    together, locations = threading.Barrier(2), []

    def submit() -> None:
        client = Client()
        client.force_login(boss)
        together.wait(10)
        answer = client.post(page, {"phones": "0972920283", "submission": "x"})
        locations.append(answer.headers["Location"])
        connection.close()

    threads = [threading.Thread(target=submit) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Campaign.objects.filter(purpose=Purpose.TEST).count() == 1
    assert locations == [f"{reverse('campaign-review', args=[draft.pk])}#test"] * 2
