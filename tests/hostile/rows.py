"""A database in which every text is hostile."""

from collections.abc import Iterable, Iterator
from itertools import cycle
from typing import Any

from allauth.usersessions.models import UserSession
from django.apps import apps
from django.db.models import CharField, Model, TextField
from django.utils import timezone

from campaigns.dispatch.people.phone_columns import COLUMNS, Content
from campaigns.models import (
    AuditEntry,
    Campaign,
    CampaignState,
    CampaignTemplate,
    Contact,
    ContactList,
    Evidence,
    Import,
    ImportState,
    Label,
    Note,
    OutgoingMail,
    Picture,
    Recipient,
    RejectedRow,
    SavedReport,
    Segment,
    Sender,
    StopListEntry,
    TestGroup,
    User,
)
from campaigns.team.models import MailState
from tests.addresses.rows import FIRST, PHONE
from tests.hostile.strings import STORABLE, TOGETHER

# texts of the gateway and of browsers, which are codes or known words as long as nobody lies
LIES = {
    "Recipient": "gateway_id status sms_status reason",
    "Evidence": "what",
    "OutgoingMail": "attachment_name",
    "GatewayCheck": "sender",
    "SampledStatus": "status reported_status",
}
PHONES = {
    f"{model}.msisdn"
    for model in ("Contact", "Person", "Recipient", "StopListEntry", "StopProposal")
}
KEPT_AS_THEY_ARE = PHONES | {"User.username", "Sender.name"}
NEVER_CHANGED = {"LedgerEntry", "AuditEntry", "LogEntry"}


def names(length: int, texts: Iterable[str] = STORABLE) -> Iterator[str]:
    """The texts cut to `length`, each with a number at its end, as many names are unique."""
    for number, text in enumerate(texts):
        end = f"·{number}"
        yield text[: length - len(end)] + end


def make_every_text_hostile() -> None:
    """Overwrite the texts of all rows, whatever columns there are, with several attacks at once."""
    lies = {f"{model}.{name}" for model, columns in LIES.items() for name in columns.split()}
    texts = cycle(TOGETHER)
    for column in sorted({*COLUMNS, *lies} - KEPT_AS_THEY_ARE):
        model_name, _dot, name = column.partition(".")
        is_code = COLUMNS.get(column) is Content.NONE and column not in lies
        if is_code or model_name in NEVER_CHANGED:
            continue
        model = apps.get_model("campaigns", model_name)
        field = model._meta.get_field(name)
        if isinstance(field, CharField | TextField) and not field.choices:
            for row in model._default_manager.all():
                _overwrite(row, name, field.max_length, next(texts))
    for contact_import in Import.objects.all():
        contact_import.mapping["columns"] = [*TOGETHER, *TOGETHER]  # the heads of its file
        contact_import.save(update_fields=["mapping"])


def _overwrite(row: Model, name: str, length: int | None, text: str) -> None:
    end = f"·{row.pk}"[-9:]
    value = text[: length - len(end)] + end if length else text + end
    type(row)._default_manager.filter(pk=row.pk).update(**{name: value})


def add_a_row_for_each_text(boss: User) -> None:
    """Rows of everything that users and the gateway name, as many as there are texts."""
    now = timezone.now()
    sender = Sender.objects.get_or_create(name="ViberShop")[0]
    clients = ContactList.objects.get(pk=FIRST)

    def add(model: type[Model], length: int, column: str, **others: Any) -> None:
        model._default_manager.bulk_create(
            model(**{column: name}, **others) for name in names(length)
        )

    add(ContactList, 100, "name")
    add(Segment, 100, "name")
    add(Label, 40, "name")
    add(CampaignTemplate, 100, "name", content={})
    add(TestGroup, 100, "name", phones=[])
    add(Sender, 14, "name")
    add(SavedReport, 100, "name", owner=boss, query="group=country")
    ended = {"state": ImportState.FAILED, "finished_at": now}
    add(Import, 255, "file_name", list=clients, list_name="A", **ended)
    failed = {"state": MailState.FAILED, "next_try_at": now}
    add(OutgoingMail, 250, "subject", address="a@example.com", **failed)
    add(Note, 500, "text", campaign_id=FIRST + 1, author=boss)
    add(AuditEntry, 500, "detail", subject=f"campaign:{FIRST + 1}", action="noted", actor=boss)
    add(Evidence, 200, "what", campaign_id=FIRST + 1, batch_number=1)
    over = {"state": CampaignState.FINISHED, "finished_at": now, "launched_at": now}
    add(Campaign, 100, "name", sender=sender, **over)
    for number, text in enumerate(STORABLE):
        key = str(number)
        Picture.objects.create(
            title=text[:100], file=f"pictures/{key}.png", width=9, height=9, size=9
        )
    StopListEntry.objects.bulk_create(
        StopListEntry(msisdn=f"38095{number:07d}", reason=text[:200])
        for number, text in enumerate(STORABLE)
    )
    Contact.objects.bulk_create(
        Contact(list=clients, msisdn=f"38095{number:07d}", country="UA", fields=_fields(text))
        for number, text in enumerate(STORABLE)
    )
    ContactList.objects.filter(pk=FIRST).update(
        fields=["city", *(text[:50] for text in TOGETHER)], contact_count=len(STORABLE) + 3
    )
    finished = Import.objects.filter(state=ImportState.FAILED).first()
    assert finished
    RejectedRow.objects.bulk_create(
        RejectedRow(source=finished, row_number=number, row=[text, PHONE], reason="too_short")
        for number, text in enumerate(STORABLE)
    )
    columns = {"columns": [TOGETHER[0], TOGETHER[2]]}
    Import.objects.filter(pk=finished.pk).update(rejected=len(STORABLE), mapping=columns)
    Recipient.objects.bulk_create(
        Recipient(
            campaign_id=FIRST + 1, msisdn=f"38095{number:07d}", country="UA",
            reference=f"h{number}", batch_number=1, send_state="accepted", status=text[:30],
            gateway_id=text[:40], fields=_fields(text),
        )
        for number, text in enumerate(STORABLE)
    )  # fmt: skip
    User.objects.bulk_create(
        User(
            username=f"user{number}",
            first_name=text[:150],
            last_name=text[:150],
            email="a@example.com",
        )
        for number, text in enumerate(STORABLE)
    )
    session = UserSession.objects.get(pk=FIRST)
    for number, text in enumerate(TOGETHER):
        UserSession.objects.create(
            user=boss, ip="127.0.0.1", user_agent=text, session_key=f"{number}" * 32,
            created_at=now, last_seen_at=now,
        )  # fmt: skip
    assert session.user_id == boss.pk


def _fields(text: str) -> dict[str, str]:
    return {"city": text, text[:50]: text} if text.strip() else {}
