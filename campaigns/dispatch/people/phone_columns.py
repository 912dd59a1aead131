"""Every text and JSON column, and what becomes of a phone in it when its data is erased.

Erasure and export read this table, and a test compares it with the models: a new column needs a
line here. Models of later stages are named only.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Any

from django.apps import apps
from django.db.models import JSONField, Model, Q

from campaigns.compose.models import TestGroup
from campaigns.dispatch.people.phone_texts import REPLACEMENT, PhoneText

CHUNK_ROWS = 2_000  # held in memory at a time


class Content(Enum):
    """What a column may hold of a phone."""

    # the phone of a contact or what is said about it: erase_contact deletes or anonymises its row
    CONTACT = "contact"
    # texts of users and of the gateway, in which a phone may stand: it is replaced by •••
    TEXT = "text"
    # answers and counts that are made again when they are needed: the row is deleted
    CACHE = "cache"
    # what has to stay as it is, or is said to everybody: docs/importing.md says why
    KEPT = "kept"
    NONE = "none"


# by model; columns that have choices, or fewer than 8 characters, need no entry
_BY_MODEL: dict[Content, dict[str, str]] = {
    Content.CONTACT: {
        "Contact": "msisdn fields",
        "Person": "msisdn",
        "Recipient": "msisdn fields",
        "RejectedRow": "row",
        "OverwrittenContact": "fields",
        "TriggerEvent": "msisdn values",
        "StopProposal": "msisdn",
        "Evidence": "body",
    },
    Content.TEXT: {
        "Note": "text",
        "SendingHold": "note",
        "TestGroup": "phones",
        "Import": "file_name mapping checked failure",
        "ImportSchedule": "mapping pause_reason refusal last_text",
        "Person": "consent_source notes",
        "ConsentRecord": "source",
        "Condition": "value",
        "Campaign": "reason_detail approval_note",
        "SavedReport": "name query",
        "SeriesRun": "detail",
        "OutgoingMail": "subject body last_error",
        "ReportDelivery": "failure",
        "GatewayCheck": "steps samples",
        "WebhookDelivery": "answer",
        "LogEntry": "object_repr change_message",
    },
    Content.CACHE: {
        "AudienceCount": "request result",
        "Submission": "location body messages",
        "ApiAnswer": "headers body",
    },
    Content.KEPT: {
        "StopListEntry": "msisdn reason",  # so that nothing is sent to the phone again
        "AuditEntry": "detail reason",  # the trail never changes; numbers as long as phones are cut
        "LedgerEntry": "note",  # the ledger never changes
        # messages go to everybody, names are given to be found again
        "Campaign": "name text image_url button_caption button_url sms_text untracked_links"
        " variants",
        "CampaignTemplate": "name content",
        "ContactList": "name fields field_types",
        "PublicList": "name description",
        "ApiToken": "name",
        "Label": "name",
        "Picture": "title",
        "WebPicture": "address",
        "Segment": "name",
        "Series": "name",
        "TestGroup": "name",
        "Import": "list_name address",
        "ImportSchedule": "list_name address",
        "TopicPreference": "topic",
        "ConsentWording": "text",  # proof of what many agreed to
        "GatewayAccount": "name",
        "Brand": "name",
        "BudgetWarning": "text",
        "Alert": "detail",  # names of campaigns, in which phones are masked
        "AlertPost": "body",
        "Webhook": "address description",
        "Trigger": "event",
        "TriggerEvent": "event key",  # ids of another system: of orders, not of people
        "User": "username first_name last_name email",  # of those who work here
    },
    # codes, keys, references, addresses of files and of the site's users
    Content.NONE: {
        "AudienceCount": "subject version moving_version",
        "Sender": "name",
        "Picture": "file",
        "WebPicture": "file failure",
        "CampaignTemplate": "locked",
        "ContactList": "countries",
        "Import": "path rejected_by_reason countries consents lease_token",
        "RejectedRow": "reason",
        "Person": "language",
        "ConsentWording": "fingerprint",
        "ConsentRecord": "token",
        "Condition": "field countries",
        "User": "password time_zone",
        "SignInTry": "address account device",
        "GatewayAccount": "base_url",
        "AccountKey": "fingerprint",
        "Brand": "slug logo",
        "BrandKey": "encrypted",
        "AuditEntry": "actor_name address session subject action",
        "AuditLink": "hash",
        "AuditSeal": "hash",
        "OutgoingMail": "address attachment_name attachment_type message_id",
        "Submission": "key",
        "ApiAnswer": "key content",
        "ApiToken": "hash prefix scopes addresses",
        "Campaign": "reason new_sender image sms_sender"
        " time_zone local_at save_token approval_limit approval_fingerprint test_contacts link_base"
        " tracked_links variant_links",
        "LinkKey": "key",
        "Series": "weekdays",
        "SeriesRun": "reason",
        "Trigger": "reason",
        "TriggerEvent": "reason",
        "Conversion": "conversion_id",
        "SignUpPage": "code",
        "SpentChallenge": "nonce",
        "PriceList": "rows",
        "ImportSchedule": "lease_token etag last_modified content_hash",
        "BudgetWarning": "scope",
        "Snapshot": "places",
        "Recipient": "reference reason gateway_id status sms_status",
        "Batch": "area token",
        "Tally": "reason delivery_state status",
        "Evidence": "what",
        "Pace": "scope",
        "Heartbeat": "name token",
        "ReportDelivery": "address",
        "SampledStatus": "status reported_status",
        "GatewayCheck": "sender reference",
        "StatusFileUse": "detail",
        "StatusFile": "mark key",
        "OldDataRemoval": "removed",
        "StopProposal": "status",
        "Alert": "kind object",
        "AlertPost": "last_error",
        "BackupResult": "name failure",
        "Change": "kind before after facts messages",  # ids, states, amounts
        "WantedKind": "kind",
        "Webhook": "kinds pause_reason secret old_secret lease_token",
        "WebhookDelivery": "kinds",
        "LogEntry": "object_id",
    },
}
COLUMNS: dict[str, Content] = {
    f"{model}.{field}": content
    for content, models in _BY_MODEL.items()
    for model, fields in models.items()
    for field in fields.split()
}


def find_mentions(text: PhoneText, content: Content) -> Iterator[tuple[Model, dict[str, Any]]]:
    """Yield the rows in whose columns of this content the phone stands: each with the new values of
    these columns, in which it is replaced.
    """
    for name, fields in _BY_MODEL[content].items():
        model = _model(name)
        names = fields.split()
        rows = model._default_manager.only("pk", *names).order_by("pk")
        if not any(isinstance(model._meta.get_field(field), JSONField) for field in names):
            rows = rows.exclude(Q(**dict.fromkeys(names, "")))
        for row in rows.iterator(chunk_size=CHUNK_ROWS):
            values = {field: getattr(row, field) for field in names}
            new = {field: text.replace(value) for field, value in values.items()}
            if changed := {field: new[field] for field in names if new[field] != values[field]}:
                yield row, changed


def erase_mentions(text: PhoneText) -> int:
    """Replace the phone in the texts, and delete what is made again; in how many rows."""
    count = 0
    for row, values in find_mentions(text, Content.TEXT):
        if isinstance(row, TestGroup):  # a test send would ask for a phone instead of •••
            values["phones"] = [phone for phone in values["phones"] if phone != REPLACEMENT]
        type(row)._default_manager.filter(pk=row.pk).update(**values)
        count += 1
    for row, _values in find_mentions(text, Content.CACHE):
        row.delete()
    return count


def count_mentions(text: PhoneText) -> dict[str, int]:
    """How many texts of each column have the phone, by names such as "Note.text"."""
    counts: dict[str, int] = {}
    for row, values in find_mentions(text, Content.TEXT):
        for field in values:
            name = f"{type(row).__name__}.{field}"
            counts[name] = counts.get(name, 0) + 1
    return counts


def _model(name: str) -> type[Model]:
    return apps.get_model("admin" if name == "LogEntry" else "campaigns", name)
