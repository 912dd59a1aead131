"""Rows of each kind with the same ids, so that a few numbers open every page in every state."""

from datetime import date, timedelta

from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore
from django.core.files.base import ContentFile
from django.test import override_settings
from django.utils import timezone

from campaigns.compose.library import message_templates
from campaigns.compose.models import (
    ApprovalLimit,
    Condition,
    ConditionKind,
    FrequencyCap,
    Operator,
    Timing,
)
from campaigns.contacts.consent import wordings
from campaigns.contacts.importing import lifecycle
from campaigns.dispatch.budgets.models import MonthlyBudget, UserBudget
from campaigns.models import (
    ApiToken,
    Campaign,
    CampaignState,
    CampaignTemplate,
    Contact,
    ContactList,
    Import,
    ImportSchedule,
    ImportState,
    Label,
    Note,
    Picture,
    PublicList,
    Purpose,
    SavedReport,
    Segment,
    Sender,
    Series,
    SeriesRun,
    SignUp,
    SignUpDay,
    SignUpPage,
    StopListEntry,
    StopProposal,
    TestGroup,
    Trigger,
    TriggerEvent,
    User,
    Webhook,
    WebhookDelivery,
    WebPicture,
)
from campaigns.results.models import GatewayCheck
from campaigns.shared.days import site_today
from campaigns.shared.web import signing
from campaigns.team.brand_keys import encryption
from campaigns.team.models import MailState, OutgoingMail
from tests.addresses.hostile import png
from tests.brand_keys import ENCRYPTION_KEY
from tests.passkeys import make_passkey
from tests.reports.factories import make_campaign, send

FIRST = 1_000_000  # above what the sequences of new rows reach
PHONE = "380970000001"
STATES = (
    CampaignState.DRAFT,
    CampaignState.FINISHED,
    CampaignState.AWAITING_APPROVAL,
    CampaignState.SCHEDULED,
    CampaignState.SENDING,
    CampaignState.PAUSED,
    CampaignState.CANCELLED,
)
SENT = {CampaignState.FINISHED, CampaignState.SENDING, CampaignState.PAUSED}
REHEARSAL = FIRST + len(STATES)
CSV = "phone;name;city\n0971110001;Олена;Київ\n0971110002;Іван;\n12;x;y\n"
IMPORTED = (
    ImportState.UPLOADED,
    ImportState.CHECKED,
    ImportState.QUEUED,
    ImportState.RUNNING,
    ImportState.FINISHED,
)


def make_rows(user: User) -> list[int]:
    """Make them, and return their ids."""
    clients = _contacts(user)
    _library(user)
    _campaigns(user, clients)
    _settings(user)
    return [*range(FIRST, REHEARSAL + 1), *_imports(user, clients)]


def _contacts(user: User) -> ContactList:
    clients = ContactList.objects.create(
        pk=FIRST, name="Clients", contact_count=3, fields=["city", "name"], countries={"UA": 3}
    )
    ContactList.objects.create(pk=FIRST + 1, name="Others", fields=["сума"])
    for digit, fields in enumerate(({"city": "Київ", "name": "Олена"}, {"city": "Рим"}, {})):
        phone = f"38097000000{digit}"
        Contact.objects.create(
            pk=FIRST + digit, list=clients, msisdn=phone, country="UA", fields=fields
        )
    StopListEntry.objects.create(pk=FIRST, msisdn="380970000009", created_by=user)
    StopProposal.objects.create(
        pk=FIRST, msisdn=PHONE, failures=3, status="undeliverable", campaign_id=FIRST + 1,
        **dict.fromkeys(("last_at", "proposed_at", "checked_at"), timezone.now()),
    )  # fmt: skip
    return clients


def _library(user: User) -> None:
    Label.objects.create(pk=FIRST, name="VIP")
    Sender.objects.create(pk=FIRST, name="ViberShop")  # that of make_campaign
    segment = Segment.objects.create(pk=FIRST, name="In Kyiv")
    condition = {"kind": ConditionKind.FIELD, "field": "city", "operator": Operator.IS}
    Condition.objects.create(segment=segment, place=0, value="Київ", **condition)
    TestGroup.objects.create(pk=FIRST, name="Team", phones=[PHONE])
    picture = Picture(pk=FIRST, title="Grey", width=40, height=40, size=len(png()))
    picture.file.save("grey.png", ContentFile(png()))
    address = "https://cdn.example.com/grey.png"
    WebPicture.objects.create(pk=FIRST, address=address, asked_at=timezone.now())


def _campaigns(user: User, clients: ContactList) -> None:
    message = {
        "button_caption": "Buy", "button_url": "https://shop.example.com/?c={city|Kyiv}",
        "sms_sender": "Shop", "sms_text": "Hi {name|friend}", "created_by": user,
    }  # fmt: skip
    for pk, state in enumerate(STATES, FIRST):
        campaign = make_campaign(f"Autumn {pk}", state, pk=pk, **message)
        campaign.lists.set([clients])
        if state in SENT:
            send(campaign, {("UA", "read"): 2, ("UA", "refused"): 1, ("PL", "sms"): 1})
        Note.objects.create(pk=pk, campaign=campaign, text="Note", author=user)
    Campaign.objects.filter(state=CampaignState.SCHEDULED).update(
        timing=Timing.AT, scheduled_at=timezone.now() + timedelta(days=3)
    )
    over = make_campaign(
        "Rehearsal", CampaignState.FINISHED, pk=REHEARSAL, purpose=Purpose.REHEARSAL, **message
    )
    send(over, {("UA", "read"): 1})
    drafts = Campaign.objects.filter(pk=FIRST)
    Campaign.objects.filter(pk=REHEARSAL).update(rehearsal_of=drafts.get())
    saved = message_templates.save_as_template(drafts.get(), "Template", user)
    CampaignTemplate.objects.filter(pk=saved.pk).update(id=FIRST)
    template = CampaignTemplate.objects.get(pk=FIRST)
    message_templates.lock(template, ["text"], user)
    drafts.update(made_from=template)


def _settings(user: User) -> None:
    User.objects.create(pk=FIRST, username="ihor")
    key = SessionStore()
    key.create()
    UserSession.objects.create(pk=FIRST, user=user, ip="127.0.0.1", session_key=key.session_key)
    make_passkey(user, pk=FIRST)
    for model in (ApprovalLimit, MonthlyBudget):
        model.objects.create(pk=FIRST, currency="EUR", amount=100)
    FrequencyCap.objects.create(pk=FIRST, messages=4, days=30)
    UserBudget.objects.create(pk=FIRST, user=user, currency="EUR", amount=50)
    SavedReport.objects.create(pk=FIRST, owner=user, name="Mine", query="group=country")
    ApiToken.objects.create(
        pk=FIRST, owner=user, name="CRM", prefix="vd_AAAAAAAA", hash="0" * 64, scopes=["view"]
    )
    GatewayCheck.objects.create(pk=FIRST, actor=user, sender="ViberShop")
    _webhook(user)
    _trigger(user)
    _series(user)
    OutgoingMail.objects.create(
        pk=FIRST,
        address="olena@example.com",
        subject="Warning",
        body="Text",
        message_id="<1@example.com>",
        state=MailState.FAILED,
        next_try_at=timezone.now(),
    )


def _webhook(user: User) -> None:
    with override_settings(KEY_ENCRYPTION_KEYS=[ENCRYPTION_KEY]):
        secret = encryption.encrypt(f"webhook:{FIRST}", signing.new_secret())
    webhook = Webhook.objects.create(
        pk=FIRST,
        address="https://hooks.example.com/viber",
        kinds=["campaign.finished"],
        secret=secret,
        created_by=user,
    )
    WebhookDelivery.objects.create(
        pk=FIRST,
        webhook=webhook,
        is_test=True,
        events=1,
        created_at=timezone.now(),
        next_try_at=timezone.now(),
    )


def _trigger(user: User) -> None:
    draft = make_campaign("Paid", CampaignState.DRAFT, pk=REHEARSAL + 1, created_by=user)
    trigger = Trigger.objects.create(pk=FIRST, event="order.paid", draft=draft, created_by=user)
    TriggerEvent.objects.create(
        pk=FIRST, trigger=trigger, event="order.paid", key="1", msisdn=PHONE, at=timezone.now()
    )
    contacts = ContactList.objects.get(pk=FIRST)
    PublicList.objects.create(list=contacts, is_offered=False, name="Our news")
    wording = wordings.store("I agree to get news.", contacts)
    assert wording is not None
    page = SignUpPage.objects.create(list=contacts, wording=wording, trigger=trigger)
    SignUp.objects.create(event_id=FIRST, page=page, wording=wording)
    SignUpDay.objects.create(list=contacts, day=site_today(), asked=1)


def _series(user: User) -> None:
    draft = make_campaign("Weekly", CampaignState.DRAFT, pk=REHEARSAL + 2, created_by=user)
    series = Series.objects.create(
        pk=FIRST, name="Weekly", draft=draft, weekdays=[0], first_day=site_today(), people_max=9,
        created_by=user,
    )  # fmt: skip
    SeriesRun.objects.create(pk=FIRST, series=series, day=date(2026, 1, 5), reason="missed")


def _imports(user: User, clients: ContactList) -> list[int]:
    made = [
        lifecycle.receive_upload([CSV.encode()], "people.csv", clients, "", "UA", user)
        for _state in IMPORTED
    ]
    counts = {"rows": 3, "new": 2, "known": 0, "duplicates": 0, "stop_listed": 0, "guessed": {}}
    checked = counts | {"rejected": {"too_short": 1}, "countries": {"UA": 2}}
    for row, state in zip(made, IMPORTED, strict=True):
        Import.objects.filter(pk=row.pk).update(
            state=state, checked=checked, total_rows=3, started_at=timezone.now()
        )
    Import.objects.create(
        pk=FIRST,
        list=clients,
        list_name=clients.name,
        file_name="people.csv",
        address="https://tables.example.com/people.csv",
        mapping={"country": "UA"},
        state=ImportState.FINISHED,
        created_by=user,
    )
    ImportSchedule.objects.create(
        pk=FIRST,
        address="https://tables.example.com/people.csv",
        list=clients,
        list_name=clients.name,
        owner=user,
        next_run_at=timezone.now() + timedelta(days=1),
    )
    return [row.pk for row in made]
