"""`manage.py check_gateway`: whether everything works with the account that is connected."""

import json
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from campaigns.compose.library import senders
from campaigns.compose.models import Sender
from campaigns.contacts.phones.parsing import Phone, normalise
from campaigns.dispatch.workers import health
from campaigns.gateway import limits
from campaigns.management.brand_option import add_brand_option, brand_named, in_brand
from campaigns.results.gateway_check import checks, following
from campaigns.results.gateway_check.checks import Findings
from campaigns.results.gateway_check.content import CheckRequest
from campaigns.results.gateway_check.steps import Step
from campaigns.results.models import GatewayCheck, StepState
from campaigns.team import safe_mode
from campaigns.team.audit.commands import RecordedCommand

LOOK_EVERY = 2.0  # seconds, at the message


class Command(RecordedCommand):
    help = (
        "Checks key, balance, prices, sender and the address of images, and sends a message to your"
        " own phone if you name it. Exits with 1 if a step failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_brand_option(parser)
        parser.add_argument("--sender", default="", metavar="NAME", help="the Viber sender")
        parser.add_argument(
            "--phone", default="", help="send a message to this phone; it is charged as usual"
        )
        parser.add_argument(
            "--sms", default="", metavar="NAME", help="the sender of an SMS fallback; default: none"
        )
        parser.add_argument("--yes", action="store_true", help="send without asking")
        parser.add_argument(
            "--wait",
            type=float,
            default=10.0,
            metavar="MINUTES",
            help="how long to wait for the end of the message; default: 10",
        )
        parser.add_argument("--samples", metavar="FILE", help="write samples for support there")

    def handle(self, *args: Any, **options: Any) -> None:
        with in_brand(brand_named(options["brand"])):
            self._check(options)

    def _check(self, options: dict[str, Any]) -> None:
        if notice := safe_mode.notice():
            self.stderr.write(notice)
        request = _read_request(options["sender"], options["phone"], options["sms"])
        check, _is_new = checks.start(None, request)
        findings = checks.run(check, request)
        self._print_steps(following.current_steps(check), except_for=())
        if request.sends and findings.can_send:
            self._send(check, request, findings, options["yes"], options["wait"] * 60)
        if options["samples"]:
            text = json.dumps(checks.for_support(check), ensure_ascii=False, indent=2)
            Path(options["samples"]).write_text(text + "\n", "utf-8")
        failed = [step for step in following.current_steps(check) if _has_failed(step)]
        if failed:
            titles = ", ".join(step.title for step in failed)
            raise CommandError(_("Failed: %(titles)s.") % {"titles": titles})

    def _send(
        self,
        check: GatewayCheck,
        request: CheckRequest,
        findings: Findings,
        is_confirmed: bool,
        seconds: float,
    ) -> None:
        cost = findings.cost or _("an unknown amount")
        self.stdout.write(_("The message costs at most: %(cost)s.") % {"cost": cost})
        if not is_confirmed and input(_("Send it? [y/N] ")).strip().lower() not in ("y", "yes"):
            self.stdout.write(_("Nothing was sent."))
            return
        before = following.current_steps(check)
        checks.send(check, request, findings, None)
        if not health.is_any_alive():
            self.stdout.write(_("No worker is running: start one with manage.py worker."))
        deadline = monotonic() + seconds
        while True:
            check.refresh_from_db()
            steps = following.current_steps(check)
            self._print_steps(steps, except_for=before)
            before = steps
            if check.ended_at:
                return
            if monotonic() >= deadline:
                self.stdout.write(_("The message has not ended; the page Gateway check goes on."))
                return
            sleep(LOOK_EVERY)

    def _print_steps(self, steps: list[Step], except_for: list[Step] | tuple[()]) -> None:
        for step in steps:
            if step not in except_for:
                state = StepState(step.state).label
                line = f"{state}: {step.title}. {step.text} {step.next_step}"
                self.stdout.write(line.rstrip())


def _read_request(sender: str, phone: str, sms_sender: str) -> CheckRequest:
    """The request that the options make. Raises CommandError."""
    if len(sender) > limits.SENDER_MAX:
        raise CommandError(_("A sender has up to 14 characters."))
    if not phone:
        if sms_sender:
            raise CommandError(_("Name the phone with --phone."))
        return CheckRequest(sender)
    if not sender:
        raise CommandError(_("Name the sender with --sender."))
    if not Sender.objects.filter(name=sender).exists():
        raise CommandError(senders.unknown_text(sender))
    verdict = normalise(phone, settings.DEFAULT_COUNTRY)
    if not isinstance(verdict, Phone):
        raise CommandError(f"{phone}: {verdict.label}")
    if sms_sender and not limits.is_sms_sender(sms_sender):
        raise CommandError(_("An SMS sender has 3 to 11 characters, or 3 to 15 digits."))
    return CheckRequest(sender, verdict.msisdn, sms_sender, sends=True)


def _has_failed(step: Step) -> bool:
    return step.state == StepState.FAILED
