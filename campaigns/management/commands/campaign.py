"""`manage.py campaign create FILE.json|launch ID|pause ID|resume ID|cancel ID|rehearse ID|again
ID|status ID`, and while it is under way `budget ID AMOUNT|hours ID HOURS`. Each with --json.
"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from campaigns.compose.editor import campaign_file, drafts
from campaigns.compose.editor.rehearsal import rehearse
from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign
from campaigns.dispatch.budgets import reservations
from campaigns.dispatch.pages.forms import CampaignBudgetForm, SendingHoursForm
from campaigns.dispatch.people.resend import create_resend_draft
from campaigns.results.campaign_status import status
from campaigns.shared.money import exact

VERBS = "create|launch|pause|resume|cancel|rehearse|budget|hours|again|status"


class Command(BaseCommand):
    help = "Creates a campaign from a JSON file, moves it, or says where it stands."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar=VERBS)
        create = verbs.add_parser("create", help="a new draft, as the JSON file says")
        create.add_argument("file", metavar="FILE")
        create.add_argument("--json", action="store_true", dest="as_json", help="answer in JSON")
        for verb in (*lifecycle.MOVES, "rehearse", "budget", "hours", "again", "status"):
            moved = verbs.add_parser(verb)
            moved.add_argument("id", type=int, metavar="ID")
            moved.add_argument("--json", action="store_true", dest="as_json", help="answer in JSON")
            if verb == "budget":
                moved.add_argument(
                    "amount", metavar="AMOUNT", help='such as 12.50, or "none" for no limit'
                )
            elif verb == "hours":
                moved.add_argument(
                    "hours", metavar="HOURS", help='such as 09:00-21:00, or "none" for any hour'
                )
            elif verb == "again":
                moved.add_argument(
                    "--unresolved",
                    action="store_true",
                    help="also those who may have got it already",
                )

    def handle(self, *args: Any, verb: str, as_json: bool, **options: Any) -> None:
        if verb == "create":
            answer = self._create(options["file"])
        elif verb == "status":
            answer = status(self._campaign(options["id"]))
        elif verb == "budget":
            answer = self._budget(options["id"], options["amount"])
        elif verb == "hours":
            answer = self._hours(options["id"], options["hours"])
        elif verb == "rehearse":
            answer = self._rehearse(options["id"])
        elif verb == "again":
            answer = self._again(options["id"], options["unresolved"])
        else:
            answer = self._move(verb, options["id"])
        self.stdout.write(json.dumps(answer, ensure_ascii=False) if as_json else _in_words(answer))

    @staticmethod
    def _create(path: str) -> dict[str, Any]:
        try:
            form = campaign_file.form_of(campaign_file.read(path))
        except campaign_file.UnusableFile as wrong:
            raise CommandError(str(wrong)) from wrong
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

    def _budget(self, pk: int, said: str) -> dict[str, Any]:
        campaign = self._campaign(pk)
        form = CampaignBudgetForm({"amount": "" if said.lower() == "none" else said})
        if not form.is_valid():
            raise CommandError(" ".join(map(str, form.errors["amount"])))
        try:
            reservations.change_budget(pk, None, form.cleaned_data["amount"])
        except lifecycle.Refused as refused:
            raise CommandError(str(refused)) from refused
        campaign.refresh_from_db(fields=["state", "budget"])
        amount = None if campaign.budget is None else exact(campaign.budget)
        return {"id": pk, "state": campaign.state, "budget": amount}

    def _hours(self, pk: int, said: str) -> dict[str, Any]:
        campaign = self._campaign(pk)
        start, _dash, end = ("", "", "") if said.lower() == "none" else said.partition("-")
        form = SendingHoursForm({"sends_from": start, "sends_until": end}, campaign=campaign)
        if not form.is_valid():
            raise CommandError(
                " ".join(str(words) for found in form.errors.values() for words in found)
            )
        try:
            lifecycle.change_hours(pk, None, form.hours)
        except lifecycle.Refused as refused:
            raise CommandError(str(refused)) from refused
        campaign.refresh_from_db(fields=["state"])
        return {"id": pk, "state": campaign.state, "hours": str(form.hours) if form.hours else None}

    def _again(self, pk: int, unresolved: bool) -> dict[str, Any]:
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


def _in_words(answer: dict[str, Any]) -> str:
    return "\n".join(f"{key}: {value}" for key, value in answer.items())
