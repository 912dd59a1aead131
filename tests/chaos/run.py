"""One run of chaos, from the empty database to the table."""

import argparse
import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import django
import requests

django.setup()

from django.db import Error, connection  # noqa: E402
from django.db.models import Count  # noqa: E402

from campaigns.compose.editor.follow_up_drafts import (  # noqa: E402
    FollowedRecipients,
    create_follow_up,
)
from campaigns.compose.launch import lifecycle  # noqa: E402
from campaigns.compose.models import (  # noqa: E402
    Campaign,
    CampaignState,
    FrequencyCap,
    RecipientOutcome,
    VariantSplit,
)
from campaigns.dispatch.models import Batch, Recipient, SendState  # noqa: E402
from campaigns.results import campaign_status  # noqa: E402
from campaigns.results.money.rebuilding import differences  # noqa: E402
from tests.chaos import __main__ as command  # noqa: E402
from tests.chaos.installation import PYTHON, ROOT, Installation  # noqa: E402
from tests.chaos.mistreatment import Killer, Restart, queue_statements  # noqa: E402
from tests.dispatch import factory  # noqa: E402

T = TypeVar("T")
OWN_PEOPLE = 10  # of each campaign under a cap, so that none is left without an audience
# what a campaign of the loop has: tracked links, a way to unsubscribe, two variants
TEXT, OTHER_TEXT = (f"{word}! https://shop.example.com/ {{unsubscribe}}" for word in ("Hi", "Hey"))
VARIANTS: dict[str, Any] = {"variants": [{"text": OTHER_TEXT}], "variant_split": VariantSplit.EVEN}
SETTLED = frozenset(SendState.values) - {SendState.QUEUED}


class Run:
    """What was asked for, the environment of the processes, where their files are, how the database
    goes away.
    """

    def __init__(
        self, asked: argparse.Namespace, env: dict[str, str], folder: Path, restart: Restart | None
    ) -> None:
        self.asked = asked
        self.env = env
        self.restart = restart
        self.installation = Installation(env, folder, asked.machines, 0.2 if asked.sooner else 1.0)
        self.sandbox_url = f"http://127.0.0.1:{env['SANDBOX_PORT']}"
        self.restarts: Counter[str] = Counter()
        self.web: Counter[str] = Counter()
        self.give_up = time.monotonic() + asked.minutes * 60

    def run(self, dice: random.Random) -> int:
        """0 where everything came out right."""
        if not connection.introspection.table_names():
            self.installation.manage("migrate", "--verbosity=0")
        if self.asked.only is None:
            self._rob_the_queue()
        sandbox = self._start_sandbox()
        started = time.monotonic()
        try:
            self.campaigns = self._campaigns()
            self.installation.start()
            for campaign in self.campaigns:
                lifecycle.launch(campaign.pk, None)
            if self.asked.cap:
                self.campaigns.append(self._follow_up(self.campaigns[0]))
            killer = Killer(self.installation, dice, self.asked.victims)
            self._mistreat(killer, dice)
            ended = self._wait_for_the_end()
            self.installation.stop()
            return self._report(killer, ended, time.monotonic() - started)
        finally:
            self.installation.stop()
            sandbox.terminate()
            sandbox.wait()

    def _rob_the_queue(self) -> None:
        statements = queue_statements(connection.vendor == "sqlite")
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.connection.executescript(statements)
            else:
                cursor.execute(statements)

    def _start_sandbox(self) -> "subprocess.Popen[bytes]":
        chosen = command.FAULTS if self.asked.only is None else self.asked.only
        faults = [f"--fault={name}={value}" for name, value in chosen.items()]
        process = subprocess.Popen(
            [PYTHON, "manage.py", "sandbox_gateway", f"--port={self.env['SANDBOX_PORT']}",
             "--latency=10", "--pace=20", "--balance=100000000", *faults],
            cwd=ROOT, env=self.env, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        while not self._bill():
            time.sleep(0.1)
        return process

    def _campaigns(self) -> list[Campaign]:
        """One; with a cap, one more than messages to a person, all to the same people, with links
        and the first with variants.
        """
        halves = (self.asked.recipients // 2, self.asked.recipients - self.asked.recipients // 2)
        one = factory.contact_list("One", halves[0])
        # ten are in both
        other = factory.contact_list("Other", halves[1] + 10, start=halves[0] - 10)
        texts: dict[str, Any] = {"sms_sender": "Shop", "sms_text": "Hello!", "validity": 600}
        if not self.asked.cap:
            return [factory.draft(one, other, **texts)]
        FrequencyCap.objects.create(messages=self.asked.cap, days=7)
        made = []
        for number in range(self.asked.cap + 1):
            start = self.asked.recipients + OWN_PEOPLE * number
            own = factory.contact_list(f"Own {number}", OWN_PEOPLE, start=start)
            variants = {} if number else VARIANTS
            made.append(factory.draft(one, other, own, text=TEXT, **texts, **variants))
        return made

    def _follow_up(self, parent: Campaign) -> Campaign:
        """A campaign to all recipients of `parent` when that is finished; no cap limits it."""
        parent.refresh_from_db()
        draft = create_follow_up(parent, None, FollowedRecipients.REACHED, 0)
        Campaign.objects.filter(pk=draft.pk).update(promotional=False, variants=[])
        draft.earlier.update(outcome=RecipientOutcome.ALL)
        lifecycle.launch(draft.pk, None)
        return draft

    @property
    def _people(self) -> int:
        """How many different people the campaigns have."""
        own = OWN_PEOPLE * (self.asked.cap + 1) if self.asked.cap else 0
        return int(self.asked.recipients) + own

    @property
    def _messages(self) -> int:
        """How many messages they get: everybody as many as the cap lets, or one; and those of the
        follow-up.
        """
        shared = self.asked.recipients * max(1, self.asked.cap)
        followed = Recipient.objects.filter(campaign=self.campaigns[0]) if self.asked.cap else ()
        return int(shared) + self._people - int(self.asked.recipients) + len(followed)

    def _beyond_cap(self) -> int:
        """How many phones got more promotional messages than the cap lets."""
        rows = Recipient.objects.filter(campaign__promotional=True).order_by().values("msisdn")
        return rows.annotate(n=Count("pk")).filter(n__gt=max(1, self.asked.cap)).count()

    def _other_variants(self) -> int:
        """How many recipients are in a batch of another variant than that of their reference."""
        campaign = Campaign.objects.get(pk=self.campaigns[0].pk)
        batches = Batch.objects.filter(campaign=campaign).values_list("number", "variant")
        variants = dict(batches)
        rows = Recipient.objects.filter(campaign=campaign).values_list("reference", "batch_number")
        return sum(
            variants[number] != factory.variant_of(campaign, reference)
            for reference, number in rows
        )

    # While it runs

    def _mistreat(self, killer: Killer, dice: random.Random) -> None:
        typed = 0.0
        while killer.killed.total() < self.asked.kills and time.monotonic() < self.give_up:
            time.sleep(dice.uniform(0.1, 2 * self.asked.every - 0.1))
            killer.strike()
            if killer.killed.total() * (self.asked.restarts + 1) > self.asked.kills * (
                self.restarts.total() + 1
            ):
                self._restart_database()
            self._visit()
            if time.monotonic() - typed > 15:
                typed = time.monotonic()
                print(
                    f"  {killer.killed.total()} kills, {self._bill().get('messages')} messages",
                    flush=True,
                )

    def _restart_database(self) -> None:
        if self.restart and self.restarts.total() < self.asked.restarts:
            connection.close()
            self.restarts[self.restart()] += 1

    def _visit(self) -> None:
        try:
            answer = requests.get(f"http://127.0.0.1:{self.env['PORT']}/healthz", timeout=5)
            self.web[str(answer.status_code)] += 1
        except requests.RequestException:
            self.web["no answer"] += 1

    def _wait_for_the_end(self) -> bool:
        """Whether the campaign finished and the ledger came to what the gateway charges."""
        while time.monotonic() < self.give_up:
            if self._patiently(self._is_over):
                return True
            time.sleep(1)
        return False

    def _is_over(self) -> bool:
        unfinished = Campaign.objects.exclude(state=CampaignState.FINISHED)
        return not unfinished.exists() and self._spent() == self._billed(self._bill())

    def _patiently(self, ask: Callable[[], T]) -> T:
        while True:
            try:
                return ask()
            except Error:
                if time.monotonic() > self.give_up:
                    raise
                connection.close()
                time.sleep(0.5)

    def _bill(self) -> dict[str, Any]:
        try:
            bill: dict[str, Any] = requests.get(
                f"{self.sandbox_url}/sandbox/bill", timeout=60
            ).json()
        except requests.RequestException:
            return {}
        return bill

    def _spent(self) -> dict[str, Decimal]:
        spent: dict[str, Decimal] = {}
        for campaign in self.campaigns:
            for currency, sums in campaign_status.spend(campaign).items():
                spent[currency] = spent.get(currency, Decimal(0)) + sums["total"]
        return spent

    @staticmethod
    def _billed(bill: dict[str, Any]) -> dict[str, Decimal]:
        return {currency: Decimal(sums["total"]) for currency, sums in bill["spend"].items()}

    # At the end

    def _report(self, killer: Killer, ended: bool, seconds: float) -> int:
        bill = self._bill()
        left_behind = self.installation.left_behind()
        states = Counter(Recipient.objects.values_list("send_state", flat=True))
        spent, billed = self._spent(), self._billed(bill)
        wrong = {
            "messages too many to a phone": max(
                0, bill["most_to_a_phone"] - (self.asked.cap + 1 if self.asked.cap else 1)
            ),
            "phones with more than the cap lets": self._beyond_cap(),
            "recipients with another variant": self._other_variants(),
            "recipients not reached": self._people - bill["phones"],
            "recipients not in a final state": (
                states.total() - sum(states[state] for state in SETTLED)
            ),
            "recipients too few or too many": abs(states.total() - self._messages),
            "recipients not accepted": states.total() - states[SendState.ACCEPTED],
            "currencies in which ledger and bill differ": sum(
                spent.get(currency) != billed.get(currency)
                for currency in spent.keys() | billed.keys()
            ),
            "totals that are not what their rows say": len(differences()),
            "processes left behind": len(left_behind),
            "campaigns not finished": int(not ended),
        }
        self._print_table(killer, bill, seconds)
        for what, number in wrong.items():
            print(f"  {what:<46}{number:>12,}")
        for process in left_behind:
            print(f"      {process}")
        for currency in sorted(spent.keys() | billed.keys()):
            print(f"  {'ledger, ' + currency:<46}{spent.get(currency)!s:>20}")
            print(f"  {'bill of the gateway, ' + currency:<46}{billed.get(currency)!s:>20}")
        return int(any(wrong.values()))

    def _print_table(self, killer: Killer, bill: dict[str, Any], seconds: float) -> None:
        queue: Counter[str] = Counter()
        if self.asked.only is None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT what, COUNT(*) FROM chaos_queue GROUP BY what")
                queue = Counter(dict(cursor.fetchall()))
        rows: list[tuple[str, Any]] = [
            ("campaigns", len(self.campaigns)),
            ("recipients", self._messages),
            (
                f"processes killed with SIGKILL, on {self.asked.machines} machines",
                killer.killed.total(),
            ),
            *[(f"    {role}", number) for role, number in sorted(killer.killed.items())],
            *self.restarts.items(),
            ("queue tasks", queue.total()),
            *[(f"    {what}", queue[what]) for what in ("dropped", "doubled")],
            ("requests to send that the gateway got", bill["requests"]),
            *[(f"    {fault}", times) for fault, times in bill["faults"].items()],
            ("recipients refused as sent before (error 43)", bill["refused"].get("43", 0)),
            *[
                (f"answers of the web server: {what}", number)
                for what, number in sorted(self.web.items())
            ],
            ("seconds", round(seconds)),
        ]
        print(f"\nWhat was done to it, on {connection.vendor}")
        for what, number in rows:
            print(f"  {what:<46}{number:>12,}")
        print("What came out")
