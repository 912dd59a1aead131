"""Measure an audience: small ones at once, large ones by a worker, who stores the result.

A stored result is used for as long as the versions of what it was made of are the same. What moves
while campaigns are being sent is allowed to be a minute old: otherwise an audience that depends on
it could not be launched meanwhile.
"""

from collections import Counter
from dataclasses import asdict, astuple, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from django.core.cache import cache
from django.db.models import Q
from django.utils import timezone

from campaigns.compose.audience.first_time_recipients import count_first_time_recipients
from campaigns.compose.audience.frequency_cap import Cap
from campaigns.compose.audience.selection import Audience, Funnel
from campaigns.compose.audience.versions import Versions, versions_of
from campaigns.compose.message.measured_audience import (
    MeasuredAudience,
    MessageLengths,
    measure,
)
from campaigns.compose.message.message_lengths import LengthRange, SmsPartCounts
from campaigns.compose.message.render import CompiledMessage
from campaigns.compose.message.sms import SmsLength
from campaigns.compose.models import AudienceCount
from campaigns.shared.brands.scope import MAIN, acting_for, brand_of_new
from campaigns.shared.queue import enqueue
from campaigns.shared.time_limit import TimeLimitReached, time_limit

COUNT = "campaigns.compose.message.audience_counts.count_requested"
RULES = 3  # one more whenever an audience is measured by other rules: older results are not used
COUNTED_AT_ONCE = 20_000  # contacts; a tenth of a second
MOVING_FOR = timedelta(minutes=1)
# a page that shows a result while it changes asks for another so often
POLLED_FOR = timedelta(seconds=10)
WORKER_LOST = timedelta(minutes=2)  # a worker that began so long ago has died
KEPT_FOR = timedelta(days=1)
NEWCOMERS_FOR = timedelta(minutes=10)  # each sent message changes their number, which only warns


def is_small(audience: Audience) -> bool:
    """Whether a request can measure `audience` itself: its lists have few contacts."""
    counts = audience.possible_lists().values_list("contact_count", flat=True)
    return sum(counts) <= COUNTED_AT_ONCE


def measure_now(audience: Audience, template: CompiledMessage) -> MeasuredAudience:
    """The measured audience. Takes seconds if it is large and not counted yet."""
    if not audience or is_small(audience):
        return measure(audience, template)
    return _stored(audience, template, versions_of(audience)) or _count(audience, template)


def measure_soon(
    audience: Audience, template: CompiledMessage, polled: bool = False
) -> MeasuredAudience | None:
    """The measured audience; None while a worker counts, who is woken here.

    `polled`: a page that has waited asks again. It takes a result of the last POLLED_FOR, as while
    an import runs none is ever up to date.
    """
    if not audience or is_small(audience):
        return measure(audience, template)
    versions = versions_of(audience)
    if measured := _stored(audience, template, versions, polled):
        return measured
    _request(audience, template)
    if is_overdue(audience, template):
        return _count_within_a_second(audience, template)
    return None


def _count_within_a_second(
    audience: Audience, template: CompiledMessage
) -> MeasuredAudience | None:
    """Without a worker, try to count in the request: once a minute, for at most a second."""
    if not cache.add(f"counted-in-request:{_subject(audience, template)}", 1, timeout=60):
        return None
    began, versions = timezone.now(), versions_of(audience)
    try:
        with time_limit(1):
            measured = measure(audience, template)
    except TimeLimitReached:
        return None
    return _store(measured, began, versions)


def measured_already(audience: Audience, template: CompiledMessage) -> MeasuredAudience | None:
    """The measured audience if that takes no time, else None; no worker is woken."""
    if not audience or is_small(audience):
        return measure(audience, template)
    return _stored(audience, template, versions_of(audience), polled=True)


def is_overdue(audience: Audience, template: CompiledMessage) -> bool:
    """Whether no worker has begun to count within POLLED_FOR: none may be running."""
    return AudienceCount.objects.filter(
        subject=_subject(audience, template),
        begun_at=None,
        asked_at__lt=timezone.now() - POLLED_FOR,
    ).exists()


def _request(audience: Audience, template: CompiledMessage) -> None:
    """Have a worker count, unless one does or was just asked to."""
    now = timezone.now()
    row, is_new = AudienceCount.objects.get_or_create(
        subject=_subject(audience, template),
        defaults={"request": _request_json(audience, template)},
    )
    is_idle = Q(begun_at=None, counted_at__gte=row.asked_at) | Q(begun_at__lt=now - WORKER_LOST)
    lost = Q(begun_at=None, asked_at__lt=now - WORKER_LOST)
    again = AudienceCount.objects.filter(is_idle | lost, pk=row.pk)
    if is_new or again.update(asked_at=now, begun_at=None):
        AudienceCount.objects.filter(asked_at__lt=now - KEPT_FOR).delete()
        enqueue(COUNT, row.pk)


def count_requested(subject: str) -> None:
    """Task: count what a page asked for, unless another worker does."""
    now = timezone.now()
    waiting = AudienceCount.objects.filter(pk=subject, begun_at=None)
    if not waiting.update(begun_at=now):
        return
    row = AudienceCount.objects.get(pk=subject)
    try:
        with acting_for(row.request.get("brand", MAIN)):
            _count(*_read_request(row.request))
    finally:
        AudienceCount.objects.filter(pk=subject, begun_at=now).update(begun_at=None)


def _count(audience: Audience, template: CompiledMessage) -> MeasuredAudience:
    """Count and store. The versions are those of before: what changes meanwhile moves them on."""
    began, versions = timezone.now(), versions_of(audience)
    measured = measure(audience, template)
    measured.newcomers = count_first_time_recipients(audience, measured.recipients)
    return _store(measured, began, versions)


def _store(measured: MeasuredAudience, began: datetime, versions: Versions) -> MeasuredAudience:
    AudienceCount.objects.update_or_create(
        subject=_subject(measured.audience, measured.template),
        defaults={
            "request": _request_json(measured.audience, measured.template),
            "result": _result_json(measured),
            "version": versions.settled,
            "moving_version": versions.moving,
            "counted_at": began,
        },
    )
    return measured


def _stored(
    audience: Audience, template: CompiledMessage, versions: Versions, polled: bool = False
) -> MeasuredAudience | None:
    now = timezone.now()
    fits = Q(version=versions.settled) & (
        Q(moving_version=versions.moving) | Q(counted_at__gte=now - MOVING_FOR)
    )
    if polled:
        fits |= Q(counted_at__gte=now - POLLED_FOR)
    rows = AudienceCount.objects.filter(fits, pk=_subject(audience, template))
    row = rows.exclude(result=None).first()
    if row is None or row.result is None or row.counted_at is None:
        return None
    measured = _read_result(row.result, audience, template)
    if row.counted_at < now - NEWCOMERS_FOR:
        measured.newcomers = None
    return measured


# what is stored


def _request_json(audience: Audience, template: CompiledMessage) -> dict[str, Any]:
    audience_json = asdict(audience)
    audience_json.pop("at")
    if cap := audience_json.pop("cap"):
        planned = cap["planned"]
        audience_json["cap"] = [cap["messages"], cap["days"], planned and planned.isoformat()]
    if not audience.needs_consent:
        audience_json.pop("needs_consent")
    if day := audience_json.pop("day"):
        audience_json["day"] = day.isoformat()
    variants = {letter: _texts_json(one) for letter, one in template.variants.items()}
    return {
        "audience": audience_json,
        **_texts_json(template),
        "variants": variants,
        "brand": brand_of_new(),
    }


def _texts_json(template: CompiledMessage) -> dict[str, Any]:
    texts = (template.text, template.button_url, template.sms_text)
    targets = [(target.field, target.address.text) for target in template.targets]
    return {"texts": [text.text for text in texts], "targets": targets}


def _read_texts(request: dict[str, Any]) -> CompiledMessage:
    variants = request.get("variants", {}).items()
    text, button_url, sms_text = request["texts"]
    return CompiledMessage(
        text,
        button_url,
        sms_text,
        request.get("targets", ()),
        variants={letter: _read_texts(texts) for letter, texts in variants},
    )


def _read_request(request: dict[str, Any]) -> tuple[Audience, CompiledMessage]:
    values = dict(request["audience"])
    cap, day = values.pop("cap", None), values.pop("day", None)
    ids: dict[str, Any] = {
        name: value if name in ("own", "needs_consent") else tuple(map(_tuple, value))
        for name, value in values.items()
    }
    if cap:
        messages, days, planned = cap
        ids["cap"] = Cap(messages, days, planned and datetime.fromisoformat(planned))
    if day:
        ids["day"] = date.fromisoformat(day)
    return Audience(**ids), _read_texts(request)


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _subject(audience: Audience, template: CompiledMessage) -> str:
    """The audience and the merge tags. Other words between the tags change nothing that is counted,
    except of the SMS, whose parts are.
    """
    tags = _tags(template)
    if not audience.asks_for_history:
        audience = replace(audience, own=0)  # a rehearsal has the same audience as its draft
    rules = (RULES, "consent") if audience.needs_consent else RULES
    parts: tuple[Any, ...] = (rules, brand_of_new(), audience, tags, template.sms_text.text)
    if template.variants:
        parts += ([_tags(variant) for variant in template.variants.values()],)
    parts += tuple(filter(None, (audience.cap, audience.day)))
    return sha256(repr(parts).encode()).hexdigest()


def _tags(template: CompiledMessage) -> list[list[tuple[str, str | None]]]:
    return [
        [(tag.name, tag.fallback) for tag in text.tags]
        for field in ("text", "button_url", "sms_text")
        for text in template.texts_of(field)
    ]


def _result_json(measured: MeasuredAudience) -> dict[str, Any]:
    """Lengths without the words between the tags: see `_subject`."""
    template = measured.template
    return {
        "funnel": asdict(measured.funnel),
        "countries": list(measured.countries.items()),
        "missing": measured.missing,
        "text": _length_json(measured.text, template.text.literal_length),
        "link": _length_json(measured.link, template.button_url.literal_length),
        "sms_text": _length_json(measured.sms_text, 0),
        "sms": [
            [[*key, number] for key, number in measured.sms.recipients.items()],
            list(astuple(measured.sms.largest)),
            measured.sms.longest_gsm,
        ],
        "people": measured.people,
        "fingerprint": measured.fingerprint,
        "variants": {
            letter: [
                _length_json(lengths.text, template.variants[letter].text.literal_length),
                _length_json(lengths.link, template.variants[letter].button_url.literal_length),
            ]
            for letter, lengths in measured.variants.items()
        },
        "newcomers": measured.newcomers,
    }


def _length_json(lengths: LengthRange | None, literal: int) -> list[int] | None:
    return [lengths.shortest - literal, lengths.longest - literal] if lengths else None


def _read_length(stored: list[int] | None, literal: int) -> LengthRange | None:
    return LengthRange(stored[0] + literal, stored[1] + literal) if stored else None


def _read_result(
    result: dict[str, Any], audience: Audience, template: CompiledMessage
) -> MeasuredAudience:
    recipients, (encoding, units, parts, culprits), longest_gsm = result["sms"]
    return MeasuredAudience(
        audience,
        template,
        funnel=Funnel(**result["funnel"]),
        countries=dict(result["countries"]),
        missing=result["missing"],
        text=_read_length(result["text"], template.text.literal_length),
        link=_read_length(result["link"], template.button_url.literal_length),
        sms_text=_read_length(result["sms_text"], 0),
        sms=SmsPartCounts(
            Counter({(country, number): count for country, number, count in recipients}),
            SmsLength(encoding, units, parts, tuple(culprits)),
            longest_gsm,
        ),
        people=result["people"],
        fingerprint=result["fingerprint"],
        variants={
            letter: MessageLengths(
                _read_length(text, template.variants[letter].text.literal_length),
                _read_length(link, template.variants[letter].button_url.literal_length),
            )
            for letter, (text, link) in result.get("variants", {}).items()
        },
        newcomers=result["newcomers"],
    )
