"""Each kind of alert starts, is told once, and is over, told once."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import CampaignState
from campaigns.dispatch.models import AccountRate
from campaigns.events.models import Webhook
from campaigns.ledger.models import BalanceReading, Channel, Kind, LedgerTotal
from campaigns.reports.alerts.kinds import KINDS, kind_of
from campaigns.team import accounts
from campaigns.team.alerts import records
from campaigns.team.alerts.models import Alert, AlertPost, PostState
from campaigns.team.models import (
    AuditProgress,
    GatewayAccount,
    Installation,
    MailState,
    OutgoingMail,
)
from tests.reports.alerts.conftest import START, Site
from tests.reports.factories import make_campaign

NOTHING: tuple[list[str], list[str]] = ([], [])


def sentence(number: int = 0) -> str:
    alert = Alert.objects.order_by("pk")[number]
    return kind_of(alert.kind).sentence(alert.detail)


def step() -> str:
    alert = Alert.objects.get()
    return kind_of(alert.kind).what_to_do(alert.detail)


def test_nothing_is_wrong(site: Site) -> None:
    assert site.look(0) == NOTHING
    assert site.look(60) == NOTHING
    assert not Alert.objects.exists()


@pytest.mark.parametrize("reason", ["error_8", "budget", "price_unknown", "gateway_trouble"])
def test_campaign_paused_by_viberdash(site: Site, reason: str) -> None:
    campaign = make_campaign("Autumn +380972920283", CampaignState.PAUSED, reason=reason)
    name = f"campaign_paused campaign:{campaign.pk}"
    assert site.look(0) == ([name], [])
    assert site.look(1) == NOTHING
    assert "380972920283" not in str(Alert.objects.get().detail)
    lifecycle.cancel(campaign.pk, None)
    assert site.look(2) == ([], [name])
    assert site.look(3) == NOTHING
    if reason == "error_8":
        assert sentence() == (
            "Campaign “Autumn +3809•••83” is paused. BSG account is out of funds."
        )
        assert step() == "Top up, then press Resume."


@pytest.mark.parametrize(
    "columns",
    [
        {"reason": "by_person"},
        {"reason": "approval"},
        {"reason": "error_8", "purpose": "test"},
        {"reason": "error_8", "purpose": "rehearsal"},
    ],
)
def test_other_pauses_are_no_alert(site: Site, columns: dict[str, str]) -> None:
    make_campaign("Autumn", CampaignState.PAUSED, **columns)
    assert site.look(0) == NOTHING


def test_queue_stands_for_some_minutes(site: Site) -> None:
    site.look(0)
    site.silent = {"queue@a"}
    assert site.look(3) == NOTHING
    assert site.look(7) == NOTHING
    assert site.look(8) == (["queue"], [])
    assert site.look(20) == NOTHING
    assert sentence() == (
        "No worker has done anything since 30 Nov, 08:00 (UTC): nothing is sent or imported."
    )
    site.silent = set()
    assert site.look(21) == NOTHING
    assert site.look(25) == NOTHING
    assert site.look(26) == ([], ["queue"])
    assert site.look(40) == NOTHING
    alert = Alert.objects.get()
    assert (alert.started_at, alert.over_at) == (
        START + timedelta(minutes=3), START + timedelta(minutes=21),
    )  # fmt: skip


def test_queue_that_never_ran(site: Site) -> None:
    site.silent = {"queue@a"}
    assert [site.look(minute) for minute in (0, 3, 5)] == [NOTHING, NOTHING, (["queue"], [])]
    assert sentence() == "No worker has ever done anything: nothing is sent or imported."


def test_queue_of_one_machine_stands_while_another_works(site: Site) -> None:
    site.signs.append("queue@b")
    site.look(0)
    site.silent = {"queue@b"}
    assert [site.look(minute) for minute in (3, 6, 8)] == [
        NOTHING, NOTHING, (["queue_machine b"], []),
    ]  # fmt: skip
    assert sentence() == "The worker of b has done nothing since 30 Nov, 08:00 (UTC); others work."
    site.silent = set()
    assert [site.look(minute) for minute in (9, 14)] == [NOTHING, ([], ["queue_machine b"])]


@pytest.mark.parametrize("silent", ["sweep", "sweep-process"])
def test_sweep_stands(site: Site, silent: str) -> None:
    site.look(0)
    site.silent = {silent}
    assert [site.look(minute) for minute in (2, 4, 7, 9, 11)] == [
        NOTHING, NOTHING, NOTHING, (["sweep"], []), NOTHING,
    ]  # fmt: skip
    site.silent = set()
    assert [site.look(minute) for minute in (12, 17)] == [NOTHING, ([], ["sweep"])]


def test_gateway_is_silent_while_a_campaign_sends(site: Site) -> None:
    account = GatewayAccount.objects.create(name="A", environment="sandbox")
    accounts.cache_state(accounts.Accounts((account,), account))
    AccountRate.objects.create(pk=account.pk, at=START, success_at=START, failures=2)
    assert [site.look(minute) for minute in (0, 5, 10)] == [NOTHING] * 3
    make_campaign("Autumn", CampaignState.SENDING)
    assert [site.look(minute) for minute in (12, 14, 17)] == [
        NOTHING, NOTHING, (["gateway"], []),
    ]  # fmt: skip
    assert sentence() == (
        "The gateway has not answered since 30 Nov, 08:00 (UTC), or refuses the key."
    )
    AccountRate.objects.update(failures=0, success_at=START + timedelta(minutes=18))
    assert [site.look(minute) for minute in (18, 23, 24)] == [NOTHING, ([], ["gateway"]), NOTHING]


def test_unknown_key(site: Site) -> None:
    account = GatewayAccount.objects.create(name="A", environment="sandbox")
    accounts.cache_state(accounts.Accounts((account,), None))
    assert [site.look(minute) for minute in (0, 3, 5)] == [NOTHING, NOTHING, (["new_key"], [])]
    accounts.cache_state(accounts.Accounts((account,), account))
    assert [site.look(minute) for minute in (6, 11)] == [NOTHING, ([], ["new_key"])]


def test_safe_mode(site: Site) -> None:
    Installation.objects.create(pk=1, at=START, safe_since=START)
    assert site.look(0) == (["safe_mode"], [])
    assert site.look(1) == NOTHING
    Installation.objects.update(safe_since=None)
    assert site.look(2) == ([], ["safe_mode"])


def read_balance(hour: int, amount: str, **columns: object) -> None:
    at = START + timedelta(hours=hour)
    BalanceReading.objects.create(
        hour=at, at=at, amount=Decimal(amount), currency="EUR",
        **{"entered": Decimal(0), **columns},
    )  # fmt: skip


def spend(days_ago: int, amount: str, **columns: object) -> None:
    day = START.date() - timedelta(days=days_ago)
    LedgerTotal.objects.create(
        day=day, amount=Decimal(amount), entries=1,
        **{"channel": Channel.VIBER, "kind": Kind.CHARGE, "currency": "EUR", **columns},
    )  # fmt: skip


def test_balance_under_its_limit(site: Site, settings: Settings) -> None:
    settings.BALANCE_ALERT, settings.DRIFT_ALERT = {"EUR": Decimal(50)}, {"EUR": Decimal(10**6)}
    for days_ago, amount in ((0, "10.20"), (6, "18.5"), (7, "1000")):
        spend(days_ago, amount)
    spend(1, "500", currency="USD")
    spend(1, "500", purpose="rehearsal")
    read_balance(-3, "50")
    assert site.look(0) == NOTHING
    read_balance(-2, "12.3")
    assert site.look(1) == (["balance EUR"], [])
    assert sentence() == "12.30 EUR left: about 3 days at the rate of the last 7 days."
    read_balance(-1, "54.99")  # more than the limit, but not by a tenth
    assert site.look(2) == NOTHING
    read_balance(0, "55")
    assert site.look(3) == ([], ["balance EUR"])
    assert kind_of("balance").over(Alert.objects.get().detail) == (
        "The balance is above the limit of 50.00 EUR again."
    )


@pytest.mark.parametrize(
    ("amount", "spent", "expected"),
    [
        (
            "4.0999999",
            "28.70",
            "4.0999999 EUR left: less than a day at the rate of the last 7 days.",
        ),
        ("4.1", "28.70", "4.10 EUR left: about 1 day at the rate of the last 7 days."),
        ("-3", "28.70", "-3.00 EUR left: no message can be paid."),
        ("4", "0", "4.00 EUR left: nothing was spent in the last 7 days."),
    ],
)
def test_how_long_the_balance_lasts(
    site: Site, settings: Settings, amount: str, spent: str, expected: str
) -> None:
    settings.BALANCE_ALERT = {"EUR": Decimal(50)}
    spend(0, spent)
    read_balance(0, amount)
    site.look(0)
    assert sentence() == expected


def test_balance_in_a_currency_without_a_limit(site: Site, settings: Settings) -> None:
    settings.BALANCE_ALERT = {"USD": Decimal(50)}
    read_balance(0, "1")
    assert site.look(0) == NOTHING


def test_drift(site: Site) -> None:
    read_balance(-5, "100")
    read_balance(-4, "90", entered=Decimal(10))
    assert site.look(0) == NOTHING
    read_balance(-3, "88.9999999", entered=Decimal(10))
    assert site.look(1) == (["drift EUR"], [])
    assert sentence() == (
        "1.0000001 EUR were charged in the last 7 days and are not in the ledger."
    )
    read_balance(-2, "588.9999999", entered=Decimal(10))  # a top-up explains nothing
    assert site.look(2) == NOTHING
    read_balance(-1, "588.9999999", entered=Decimal("11.0000001"))  # a fee that was recorded
    assert site.look(3) == ([], ["drift EUR"])


@pytest.mark.parametrize(
    ("columns", "tolerance"), [({"on_way": 1}, 1), ({"unknown": 3}, 1), ({}, 20)]
)
def test_differences_that_are_no_drift(
    site: Site, settings: Settings, columns: dict[str, int], tolerance: int
) -> None:
    settings.DRIFT_ALERT = {"EUR": Decimal(tolerance)}
    read_balance(-2, "100")
    read_balance(-1, "80", **columns)
    assert site.look(0) == NOTHING


def test_backup_fails_and_is_overdue(site: Site, settings: Settings) -> None:
    records.record_backup("viberdash-20261130T080000Z")
    assert site.look(0) == NOTHING
    assert site.look(48 * 60 - 1) == NOTHING
    records.record_failed_backup("No space left\non 380972920283")
    assert site.look(48 * 60) == (["backup_failed", "backup_overdue"], [])
    assert sentence() == ("The backup of 2 Dec, 07:59 (UTC) failed: No space left on 3809•••83")
    assert sentence(1) == "The last complete backup is of 30 Nov, 08:00 (UTC)."
    records.record_backup("viberdash-20261202T080000Z")
    assert site.look(48 * 60 + 1) == ([], ["backup_failed", "backup_overdue"])


def test_backups_as_they_are_set(site: Site, settings: Settings) -> None:
    settings.BACKUP_ALERT_HOURS = 24
    assert site.look(0) == (["backup_overdue"], [])
    assert sentence() == "No backup was ever completed."
    settings.BACKUP_ALERT_HOURS = 0
    assert site.look(1) == ([], ["backup_overdue"])


def test_backup_command_records_its_result(
    site: Site, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from viberdash.management.commands import backup

    monkeypatch.setattr(backup, "back_up", lambda root: root / "viberdash-1")
    call_command("backup", to=tmp_path)
    assert (records.last_backups().name, records.last_backups().succeeded_at) == (
        "viberdash-1", START,
    )  # fmt: skip
    settings.BACKUP_RECIPIENT = "age1x"
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError):
        call_command("backup", to=tmp_path)
    assert records.last_backups().failed_at is not None
    assert "age" in records.last_backups().failure


def test_disk_is_nearly_full(site: Site) -> None:
    site.free = 4.9
    started = [site.look(minute)[0] for minute in (0, 3, 5)]
    assert started[:2] == [[], []]
    assert {name.partition(":")[0] for name in started[2]} == {"disk a"}
    assert sentence().startswith("The disk of a is nearly full: 4% free. On it: ")
    site.free = 5.5  # not enough to be over
    assert [site.look(minute) for minute in (6, 20)] == [NOTHING] * 2
    site.free = 6
    over = [site.look(minute)[1] for minute in (21, 26)]
    assert (over[0], sorted(over[1])) == ([], sorted(started[2]))


def test_disk_of_another_machine_is_its_own_business(site: Site, settings: Settings) -> None:
    site.free = 1
    for minute in (0, 3, 5):
        site.look(minute)
    [number] = {Alert.objects.count()}
    settings.WORKER_NAME, site.free = "b", 50
    assert [site.look(minute) for minute in (6, 60, 24 * 60)] == [NOTHING] * 3
    ended = [site.look(minute)[1] for minute in (25 * 60, 25 * 60 + 5)]  # the machine was removed
    assert (ended[0], len(ended[1])) == ([], number)


def test_mail_server_takes_nothing(site: Site) -> None:
    message = OutgoingMail.objects.create(address="o@example.com", next_try_at=START, tries=2)
    assert site.look(0) == NOTHING
    OutgoingMail.objects.update(tries=3)
    assert [site.look(minute) for minute in (1, 4, 6)] == [NOTHING, NOTHING, (["mail"], [])]
    OutgoingMail.objects.filter(pk=message.pk).update(state=MailState.FAILED)
    assert [site.look(minute) for minute in (7, 12)] == [NOTHING, ([], ["mail"])]


def test_webhook_takes_nothing(site: Site, settings: Settings) -> None:
    post = AlertPost.objects.create(body="{}", next_try_at=START, tries=3)
    assert site.look(0) == NOTHING
    settings.ALERT_WEBHOOK_URL = "http://hooks.test/secret"
    assert site.look(1) == (["alert_webhook"], [])
    assert site.look(2) == NOTHING
    AlertPost.objects.filter(pk=post.pk).update(state=PostState.SENT)
    assert site.look(3) == ([], ["alert_webhook"])


def test_webhook_fails_and_is_paused(site: Site) -> None:
    webhook = Webhook.objects.create(
        address="https://shop.test/secret", kinds=[], failing_since=START, created_by=None
    )
    assert site.look(29) == NOTHING
    assert site.look(30) == ([f"webhook webhook:{webhook.pk}"], [])
    assert sentence() == "The webhook to shop.test takes nothing."
    Webhook.objects.update(paused_at=START)
    assert site.look(31) == NOTHING
    Webhook.objects.filter(pk=webhook.pk).update(paused_at=None, failing_since=None)
    assert site.look(32) == ([], [f"webhook webhook:{webhook.pk}"])


def test_damaged_audit_trail(site: Site) -> None:
    call_command("verify_audit")
    assert AuditProgress.objects.get().verified_at == START
    assert site.look(0) == NOTHING
    AuditProgress.objects.update(findings=2)  # as tests/team/audit has it by a changed entry
    assert site.look(1) == (["audit_trail"], [])
    assert sentence() == "The audit trail is damaged: its last verification found 2 faults."
    call_command("verify_audit")
    assert site.look(2) == ([], ["audit_trail"])


def test_every_kind_has_a_test_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [kind.name for kind in KINDS if f'"{kind.name}' not in text] == []
