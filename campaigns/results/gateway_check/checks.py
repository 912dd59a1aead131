"""Start a check and make its steps, keep the newest checks, and show one to support.

A page or a command calls `start`, `run` and, if a message is wanted, `send`. Workers then follow
the message (following.py).
"""

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import Picture
from campaigns.gateway.bsg.client import Client
from campaigns.gateway.environment import key_kind
from campaigns.gateway.errors import GatewayKeyUnusable
from campaigns.gateway.key_in_use import key_in_use
from campaigns.gateway.types import Balance
from campaigns.results.gateway_check import account, message, picture, statistics_files, steps
from campaigns.results.gateway_check.account import CONNECT_TIMEOUT, DEADLINE, Cost
from campaigns.results.gateway_check.content import CheckRequest, message_of
from campaigns.results.gateway_check.following import current_steps, message_steps, write
from campaigns.results.gateway_check.samples import Recorder
from campaigns.results.gateway_check.steps import Step
from campaigns.results.models import GatewayCheck, StepState
from campaigns.team import accounts, audit, safe_mode
from campaigns.team.models import User
from viberdash import __version__

KEPT = 20  # checks
AFTER_KEY = (steps.PRICES, steps.SENDER, steps.PICTURE, steps.FILES)
WITH_MESSAGE = (steps.MESSAGE, steps.REPORTS, steps.STATUS)


@dataclass(frozen=True, slots=True)
class Findings:
    """What `run` found.

    - `cost`: what the message costs at most; None: not known.
    - `can_send`: nothing that was found forbids the message.
    - `image`: the image that it carries where the gateway can reach it.
    """

    cost: Cost | None = None
    can_send: bool = False
    image: Picture | None = None


def start(
    actor: User | None, request: CheckRequest, token: uuid.UUID | None = None
) -> tuple[GatewayCheck, bool]:
    """A new check, and True; or the one that the same `token` has started already, and False."""
    account_in_use = accounts.load().current
    with transaction.atomic():
        check, is_new = GatewayCheck.objects.get_or_create(
            token=token or uuid.uuid4(),
            defaults={"actor": actor, "sender": request.sender, "account": account_in_use},
        )
        if is_new:
            audit.record(actor, check, "started")
    if is_new:
        kept = GatewayCheck.objects.values_list("pk", flat=True)[:KEPT]
        GatewayCheck.objects.exclude(pk__in=list(kept)).delete()
    return check, is_new


def run(check: GatewayCheck, request: CheckRequest) -> Findings:
    """Make the steps that need no message, and store them with their samples. Sends nothing.

    Takes two rounds of calls, so 2 x DEADLINE seconds at most.
    """
    recorder = Recorder()
    try:
        client = account.client(recorder)
    except GatewayKeyUnusable as error:
        made, findings = _unusable(error.why, ""), Findings()
    except ValueError as error:
        text = _("BSG_API_KEY can't be used: %(why)s.") % {"why": error}
        what_to_do = _("Copy the key from BSG into BSG_API_KEY and restart ViberDash.")
        made, findings = _unusable(text, what_to_do), Findings()
    else:
        try:
            made, findings = _make_steps(client, check.actor, request)
        finally:
            client.close()
    made += _skipped(WITH_MESSAGE, _why_unsent(request, findings))
    check.ended_at = timezone.now()
    write(check, made, recorder.samples)
    return findings


def send(
    check: GatewayCheck, request: CheckRequest, findings: Findings, actor: User | None
) -> None:
    """Send the message of a check that `run` has been called for. A refusal is in its steps."""
    try:
        message.launch(check, message_of(request, findings.image), request.msisdn, actor)
    except Refused as refused:
        text = str(refused).removeprefix(f"+{request.msisdn}: ")  # a check has no phone
        write(check, [steps.failed(steps.MESSAGE, text)])
        return
    write(check, message_steps(check, None))


def for_support(check: GatewayCheck) -> dict[str, Any]:
    """What an administrator can mail to support: no phone, no key, no amount of the account."""
    return {
        "viberdash": __version__,
        "gateway": key_in_use().address,
        "key": key_kind(),
        "checked_at": check.started_at.isoformat(timespec="seconds"),
        "steps": {step.key: step.state for step in current_steps(check)},
        "samples": check.samples,
    }


def _make_steps(
    client: Client, actor: User | None, request: CheckRequest
) -> tuple[list[Step], Findings]:
    balance = account.attempt(client.balance)
    made = account.key_steps(balance)
    if not isinstance(balance, Balance):
        return [*made, *_skipped(AFTER_KEY, _without_key())], Findings()
    if restriction := _restriction():
        return [*made, *_skipped(AFTER_KEY, restriction)], Findings()
    image = picture.stored_picture(actor)
    url = picture.address(request, image)
    content = message_of(request, image) if request.sender else None
    with ThreadPoolExecutor(4, "gateway check") as pool:
        wait_for_answers = account.ask_prices(client, pool, content, request.msisdn)
        loading = pool.submit(picture.load, url, CONNECT_TIMEOUT, DEADLINE) if url else None
        answers, loaded = wait_for_answers(), loading.result() if loading else None
    made += [
        account.prices_step(answers, balance.currency),
        account.sender_step(request, answers),
        picture.picture_step(request, image, loaded),
        statistics_files.untried_step(),
    ]
    can_send = any((step.key, step.state) == (steps.SENDER, StepState.PASSED) for step in made)
    return made, Findings(account.highest_cost(request, answers), can_send, image)


def _unusable(text: str, what_to_do: str) -> list[Step]:
    failed = steps.failed(steps.KEY, text, what_to_do)
    return [failed, *_skipped((steps.BALANCE, *AFTER_KEY), _without_key())]


def _restriction() -> str:
    """Why nothing but key and balance may be checked; "" if all may."""
    if accounts.load().is_new_key:
        return _("The key is new: say on any page first which account it belongs to.")
    if safe_mode.in_safe_mode():
        return _("Safe mode is on: resume sending first, on any page.")
    return ""


def _why_unsent(request: CheckRequest, findings: Findings) -> str:
    """Why there is no message before `send`."""
    if not request.sends:
        return _("No message was asked for.")
    return _("Not sent.") if findings.can_send else _("Fix the failed steps first.")


def _without_key() -> str:
    return _("It takes an address and a key that work.")


def _skipped(keys: Sequence[str], reason: str) -> list[Step]:
    return [steps.not_tried(key, reason) for key in keys]
