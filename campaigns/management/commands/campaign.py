"""`manage.py campaign VERB`: create, launch and control campaigns from scripts.

create FILE.json | launch ID | draft ID | pause ID | resume ID | cancel ID | rehearse ID
| resend ID | status ID | budget ID AMOUNT | hours ID HOURS, and of all sending: hold | release
| held.
With --json the answer is one JSON object.
"""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from campaigns.compose.editor import campaign_file, drafts
from campaigns.compose.editor.rehearsal import rehearse
from campaigns.compose.launch import lifecycle, running_changes
from campaigns.compose.models import Campaign
from campaigns.dispatch import hold_effects
from campaigns.dispatch.budgets import reservations
from campaigns.dispatch.pages.forms import CampaignBudgetForm, SendingHoursForm
from campaigns.dispatch.people.resend import create_resend_draft
from campaigns.management.brand_option import add_brand_option, brand_named, in_brand
from campaigns.results.campaign_status import status
from campaigns.shared.money import exact
from campaigns.team import safe_mode
from campaigns.team.audit.commands import RecordedCommand
from campaigns.team.holds import switch

VERBS = (
    "create|launch|draft|pause|resume|cancel|rehearse|budget|hours|resend|status|hold|release|held"
)
HELP = {
    "launch": "launch a draft",
    "draft": "make a campaign that waits for its time or for approval a draft again",
    "pause": "pause a campaign",
    "resume": "resume a paused campaign",
    "cancel": "cancel a campaign",
    "rehearse": "rehearse a draft",
    "budget": "change the budget",
    "hours": "change the sending hours of a launched campaign",
    "resend": "create a draft that resends to the recipients who were not reached",
    "status": "show the state, the numbers and the cost",
}
# of all sending of a brand, or of all brands
HOLD_HELP = {
    "hold": "stop all sending at once; campaigns keep their states",
    "release": "end a hold: everything goes on where it was",
    "held": "show whether sending is held",
}


class Command(RecordedCommand):
    help = "Creates a campaign from a JSON file, controls it, or shows its status."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar=VERBS)
        create = verbs.add_parser("create", help="create a draft from a JSON file")
        create.add_argument("file", metavar="FILE")
        add_brand_option(create)
        with_id = {verb: verbs.add_parser(verb, help=text) for verb, text in HELP.items()}
        for parser_of_verb in with_id.values():
            parser_of_verb.add_argument("id", type=int, metavar="ID")
        with_id["budget"].add_argument(
            "amount", metavar="AMOUNT", help='such as 12.50, or "none" for no limit'
        )
        with_id["hours"].add_argument(
            "hours", metavar="HOURS", help='such as 09:00-21:00, or "none" for any time'
        )
        with_id["resend"].add_argument(
            "--unresolved",
            action="store_true",
            help="also to recipients who may have got the message already",
        )
        of_holds = {verb: verbs.add_parser(verb, help=text) for verb, text in HOLD_HELP.items()}
        for parser_of_verb in of_holds.values():
            add_brand_option(parser_of_verb)
            parser_of_verb.add_argument("--all", action="store_true", dest="of_all")
        of_holds["hold"].add_argument("--note", default="", help="why, for those who see it")
        for parser_of_verb in (create, *with_id.values(), *of_holds.values()):
            parser_of_verb.add_argument(
                "--json", action="store_true", dest="as_json", help="answer in JSON"
            )

    def handle(self, *args: Any, verb: str, as_json: bool, **options: Any) -> None:
        if verb == "create" or verb in HOLD_HELP:
            brand_id: int | None = brand_named(options["brand"])
        else:
            brand_id = self._campaign(options["id"]).brand_id
        if notice := safe_mode.notice():
            self.stderr.write(notice)
        with in_brand(brand_id):
            answer = self._hold(verb, brand_id, **options) if verb in HOLD_HELP else None
            answer = answer or self._answer(verb, **options)
        self.stdout.write(json.dumps(answer, ensure_ascii=False) if as_json else _as_text(answer))

    @staticmethod
    def _hold(verb: str, brand_id: int | None, *, of_all: bool, **options: Any) -> dict[str, Any]:
        held_brand = None if of_all else brand_id
        if verb == "hold":
            switch.hold(None, held_brand, options["note"])
        elif verb == "release":
            hold_effects.release(None, held_brand)
        return hold_effects.described(held_brand)

    def _answer(self, verb: str, **options: Any) -> dict[str, Any]:
        if verb == "create":
            return self._create(options["file"])
        if verb == "status":
            return status(self._campaign(options["id"]))
        if verb == "budget":
            return self._budget(options["id"], options["amount"])
        if verb == "hours":
            return self._hours(options["id"], options["hours"])
        if verb == "rehearse":
            return self._rehearse(options["id"])
        if verb == "resend":
            return self._resend(options["id"], options["unresolved"])
        return self._move(verb, options["id"])

    @staticmethod
    def _create(path: str) -> dict[str, Any]:
        try:
            form = campaign_file.form_of(campaign_file.read(path))
        except campaign_file.UnusableFile as error:
            raise CommandError(str(error)) from error
        if not form.is_valid():
            raise CommandError(campaign_file.error_line(form))
        return {"id": drafts.save(form, None).pk}

    def _move(self, verb: str, pk: int) -> dict[str, Any]:
        campaign = self._campaign(pk)
        try:
            lifecycle.MOVES[verb](pk, None)
        except lifecycle.Refused as refused:
            raise CommandError(str(refused)) from refused
        campaign.refresh_from_db(fields=["state"])
        return {"id": pk, "state": campaign.state}

    def _budget(self, pk: int, amount_text: str) -> dict[str, Any]:
        campaign = self._campaign(pk)
        form = CampaignBudgetForm({"amount": "" if amount_text.lower() == "none" else amount_text})
        if not form.is_valid():
            raise CommandError(" ".join(map(str, form.errors["amount"])))
        try:
            reservations.change_budget(pk, None, form.cleaned_data["amount"])
        except lifecycle.Refused as refused:
            raise CommandError(str(refused)) from refused
        campaign.refresh_from_db(fields=["state", "budget"])
        amount = None if campaign.budget is None else exact(campaign.budget)
        return {"id": pk, "state": campaign.state, "budget": amount}

    def _hours(self, pk: int, hours_text: str) -> dict[str, Any]:
        campaign = self._campaign(pk)
        start, _dash, end = hours_text.partition("-") if hours_text.lower() != "none" else ("",) * 3
        form = SendingHoursForm({"sends_from": start, "sends_until": end}, campaign=campaign)
        if not form.is_valid():
            messages = (str(message) for errors in form.errors.values() for message in errors)
            raise CommandError(" ".join(messages))
        try:
            running_changes.change_hours(pk, None, form.hours)
        except lifecycle.Refused as refused:
            raise CommandError(str(refused)) from refused
        campaign.refresh_from_db(fields=["state"])
        return {"id": pk, "state": campaign.state, "hours": str(form.hours) if form.hours else None}

    def _resend(self, pk: int, unresolved: bool) -> dict[str, Any]:
        try:
            return {"id": create_resend_draft(self._campaign(pk), None, unresolved).pk}
        except lifecycle.Refused as refused:
            raise CommandError(str(refused)) from refused

    def _rehearse(self, pk: int) -> dict[str, Any]:
        try:
            return {"id": rehearse(self._campaign(pk), None).pk}
        except lifecycle.Refused as refused:
            raise CommandError(str(refused)) from refused

    @staticmethod
    def _campaign(pk: int) -> Campaign:
        try:
            return Campaign.objects.get(pk=pk)
        except Campaign.DoesNotExist as missing:
            raise CommandError(_("There is no campaign %(id)d.") % {"id": pk}) from missing


def _as_text(answer: dict[str, Any]) -> str:
    return "\n".join(f"{key}: {value}" for key, value in answer.items())
