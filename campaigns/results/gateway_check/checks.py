"""Start a check, follow its message, and keep the newest ones.

A page or a command calls `start`, `run` and, if a message is wanted, `send`. Workers call `follow`
until the message has ended. `current_steps` are the steps as they are now.
"""

import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.launch.reachable import of_reachable
from campaigns.compose.message.pictures import stored_picture_url
from campaigns.compose.models import Picture
from campaigns.dispatch.models import Recipient, SendState
from campaigns.gateway.bsg.client import Client
from campaigns.gateway.environment import key_kind
from campaigns.gateway.types import Balance
from campaigns.results.gateway_check import (
    account,
    message,
    picture,
    statistics_files,
    steps,
)
from campaigns.results.gateway_check.account import Cost
from campaigns.results.gateway_check.content import CheckRequest, message_of
from campaigns.results.gateway_check.samples import SEND, Recorder
from campaigns.results.gateway_check.steps import Step
from campaigns.results.models import GatewayCheck, StepState
from campaigns.team import accounts, safe_mode
from campaigns.team.models import User
from viberdash import __version__

KEPT = 20  # checks
# seconds of each call; somebody waits for the page. Two rounds of calls, so at most twice as long.
CONNECT_TIMEOUT, DEADLINE = 2.0, 5.0
INTERRUPTED_AFTER = timedelta(minutes=2)  # without steps: the process that made them ended
AFTER_KEY = (steps.PRICES, steps.SENDER, steps.PICTURE, steps.FILES)
WITH_MESSAGE = (steps.MESSAGE, steps.REPORTS, steps.STATUS)


@dataclass(frozen=True, slots=True)
class Findings:
    """What `run` found. `cost` None: what the message costs is not known. `can_send`: nothing that
    was found forbids a message.
    """

    cost: Cost | None = None
    can_send: bool = False
    picture: Picture | None = None


def start(
    actor: User | None, request: CheckRequest, token: uuid.UUID | None = None
) -> tuple[GatewayCheck, bool]:
    """A new check, and True; or the one that the same `token` has started already, and False."""
    check, is_new = GatewayCheck.objects.get_or_create(
        token=token or uuid.uuid4(),
        defaults={
            "actor": actor,
            "sender": request.sender,
            "account": accounts.load().current,
        },
    )
    if is_new:
        kept = GatewayCheck.objects.values_list("pk", flat=True)[:KEPT]
        GatewayCheck.objects.exclude(pk__in=list(kept)).delete()
    return check, is_new


def run(check: GatewayCheck, request: CheckRequest) -> Findings:
    """Make the steps that need no message, and store them with their samples. Sends nothing."""
    recorder = Recorder()
    try:
        client = _client(recorder)
    except ValueError as error:
        made = [
            steps.failed(
                steps.KEY,
                _("BSG_API_KEY can't be used: %(why)s.") % {"why": error},
                _("Copy the key from BSG into BSG_API_KEY and restart ViberDash."),
            ),
            *_skipped((steps.BALANCE, *AFTER_KEY), _without_key()),
        ]
        findings = Findings()
    else:
        try:
            made, findings = _ask(client, check, request)
        finally:
            client.close()
    reason = _("Fix the failed steps first.") if request.sends else _("No message was asked for.")
    made += _skipped(WITH_MESSAGE, reason)
    _store(check, made, recorder, ended_at=timezone.now())
    return findings


def send(
    check: GatewayCheck, request: CheckRequest, findings: Findings, actor: User | None
) -> None:
    """Send the message of a check that `run` has been called for. Refusals are in its steps."""
    try:
        message.launch(check, message_of(request, findings.picture), request.msisdn, actor)
    except Refused as refused:
        _replace(check, [steps.failed(steps.MESSAGE, str(refused))])
        check.save(update_fields=["steps"])
        return
    check.ended_at = None
    _replace(check, _message_steps(check, None))
    check.save(update_fields=["steps", "ended_at"])


def follow(now: datetime) -> None:
    """Look after the checks whose message is under way; where it has ended, ask for its status."""
    for check in open_checks():
        recipient = message.recipient_of(check)
        if check.campaign is None:
            if now > check.started_at + INTERRUPTED_AFTER:
                GatewayCheck.objects.filter(pk=check.pk).update(ended_at=now)
            continue
        if recipient and recipient.send_state == SendState.ACCEPTED:
            if check.asked_at is None and message.has_ended(check, recipient):
                _ask_for_status(check, recipient, now)
        if message.is_over(check, recipient, now):
            check.ended_at = now
        _replace(check, _message_steps(check, recipient))
        if not any(sample["call"] == SEND for sample in check.samples):
            check.samples = [*check.samples, *message.send_samples(check)]
        check.save(update_fields=["ended_at", "steps", "samples"])


def open_checks() -> QuerySet[GatewayCheck]:
    """The checks that wait for something."""
    return GatewayCheck.objects.filter(ended_at=None).select_related("campaign__sender")


def note_reports(references: Iterable[str]) -> None:
    """Keep that delivery reports came in, if any of `references` is that of a check's message."""
    waiting = dict(
        GatewayCheck.objects.filter(ended_at=None, reported_at=None)
        .exclude(reference="")
        .values_list("reference", "pk")
    )
    reported = [waiting[reference] for reference in references if reference in waiting]
    if reported:
        GatewayCheck.objects.filter(pk__in=reported, reported_at=None).update(
            reported_at=timezone.now()
        )


def current_steps(check: GatewayCheck) -> list[Step]:
    """The steps as they are now, in their order."""
    made = steps.from_json(check.steps)
    if check.campaign is None or check.ended_at:
        return made
    return _replaced(made, _message_steps(check, message.recipient_of(check)))


def is_interrupted(check: GatewayCheck, now: datetime) -> bool:
    """Whether the process that made the steps of `check` ended before it was done."""
    return not check.steps and now > check.started_at + INTERRUPTED_AFTER


def for_support(check: GatewayCheck) -> dict[str, Any]:
    """What an administrator can mail to support: no phone, no key, no amount of the account."""
    made = current_steps(check)
    return {
        "viberdash": __version__,
        "gateway": settings.BSG_API_URL,
        "key": key_kind(),
        "checked_at": check.started_at.isoformat(timespec="seconds"),
        "steps": {step.key: step.state for step in made},
        "samples": check.samples,
    }


def _client(recorder: Recorder) -> Client:
    return Client(
        settings.BSG_API_URL,
        settings.BSG_API_KEY,
        connect_timeout=CONNECT_TIMEOUT,
        deadline=DEADLINE,
        connections=4,
        listener=recorder,
    )


def _ask(
    client: Client, check: GatewayCheck, request: CheckRequest
) -> tuple[list[Step], Findings]:
    balance = account.attempt(client.balance)
    made = account.key_steps(balance)
    if not isinstance(balance, Balance):
        return [*made, *_skipped(AFTER_KEY, _without_key())], Findings()
    if restriction := _restriction():
        return [*made, *_skipped(AFTER_KEY, restriction)], Findings()
    image, url, expected = _image(check)
    loads = bool(url) and picture.is_to_be_loaded(request)
    content = message_of(request, image) if request.sender else None
    with ThreadPoolExecutor(4, "gateway check") as pool:
        waiting = account.ask_prices(client, pool, content, request.msisdn)
        full_url = f"{request.base_address}{url}"
        loading = (
            pool.submit(picture.load, full_url, CONNECT_TIMEOUT, DEADLINE) if loads else None
        )
        answers, loaded = waiting(), loading.result() if loading else None
    prices = account.prices_step(answers, balance.currency)
    sender = account.sender_step(request, answers)
    made += [
        prices,
        sender,
        picture.picture_step(request, full_url, expected, loaded),
        statistics_files.check_files(client),
    ]
    can_send = sender.state == StepState.PASSED
    return made, Findings(account.highest_cost(request, answers), can_send, image)


def _image(check: GatewayCheck) -> tuple[Picture | None, str, bytes]:
    """The image of the message, its path on this site, and its content."""
    stored = picture.stored_picture(check.actor)
    with stored.file.open() as file:
        return stored, stored_picture_url("", str(stored.file)), file.read()


def _restriction() -> str:
    """Why nothing but key and balance may be checked; "" if all may."""
    if accounts.load().is_new_key:
        return _("The key is new: say on any page first which account it belongs to.")
    if safe_mode.in_safe_mode():
        return _("Safe mode is on: resume sending first, on any page.")
    return ""


def _without_key() -> str:
    return _("It takes an address and a key that work.")


def _skipped(keys: Sequence[str], reason: str) -> list[Step]:
    return [steps.not_tried(key, reason) for key in keys]


def _message_steps(check: GatewayCheck, recipient: Recipient | None) -> list[Step]:
    """The steps about the message as they are now; and the sender, once a send has proved it."""
    made = [message.message_step(check, recipient), message.reports_step(check, recipient)]
    if check.asked_at is None:
        made.append(message.waiting_status_step(check, recipient))
    if recipient and recipient.send_state == SendState.ACCEPTED:
        text = _("BSG accepted a message from “%(sender)s”.") % {"sender": check.sender}
        made.append(steps.passed(steps.SENDER, text))
    return made


def _ask_for_status(check: GatewayCheck, recipient: Recipient, now: datetime) -> None:
    """Ask once, from one process, if the message is one of the account in use."""
    unasked = GatewayCheck.objects.filter(of_reachable(), pk=check.pk, asked_at=None)
    if not unasked.update(asked_at=now):
        return
    check.asked_at = now
    recorder = Recorder()
    client = _client(recorder)
    try:
        _replace(check, [message.status_step(client, recipient)])
    finally:
        client.close()
    check.samples = [*check.samples, *recorder.samples]


def _store(
    check: GatewayCheck, made: list[Step], recorder: Recorder, ended_at: datetime | None
) -> None:
    check.steps, check.samples = steps.to_json(steps.in_order(made)), recorder.samples
    check.ended_at = ended_at
    check.save(update_fields=["steps", "samples", "ended_at"])


def _replace(check: GatewayCheck, newer: Sequence[Step]) -> None:
    check.steps = steps.to_json(_replaced(steps.from_json(check.steps), newer))


def _replaced(made: Sequence[Step], newer: Sequence[Step]) -> list[Step]:
    """`made` with the steps of `newer` in place of those with the same key."""
    by_key = {step.key: step for step in (*made, *newer)}
    return steps.in_order(by_key.values())
