"""Statistics files are tried before they are used, and administrators switch them."""

import pytest
from django.test import Client as Browser
from django.utils import timezone

from campaigns.gateway.bsg.client import Client
from campaigns.results.models import StatusFile, StatusFileUse, WhyOff
from campaigns.results.polling import file_use
from campaigns.results.polling.file_trial import PATIENCE, TrialOutcome, try_files
from campaigns.team import accounts
from campaigns.team.models import AuditEntry, GatewayAccount, Role, User
from tests.gateway.requests_made import to_references
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db
SENT = "470000001"


@pytest.fixture
def account() -> GatewayAccount:
    current = accounts.load().current
    assert current
    return current


def tried(
    sandbox: RunningSandbox, account: GatewayAccount, **faults: object
) -> tuple[TrialOutcome, float]:
    """The outcome, and how long it waited. The message was delivered and read."""
    waits: list[float] = []
    sandbox.client().send(to_references("a", "b"))
    sandbox.settle()
    sandbox.faults(**faults)
    outcome = try_files(sandbox.client(), account, SENT, waits.append)
    return outcome, sum(waits)


def test_files_that_work_are_switched_on_and_deleted(
    sandbox: RunningSandbox, account: GatewayAccount
) -> None:
    outcome, waited = tried(sandbox, account, files_s=0)
    assert outcome == TrialOutcome(True, "files work by id and by window", takes_windows=True)
    assert waited == 0
    use = file_use.use_of(account)
    assert (use.is_on, use.takes_windows, use.seen_at) == (True, True, use.tried_at)
    assert (sandbox.client().files(), StatusFile.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    ("faults", "detail"),
    [
        ({"files_wrong_price": 100}, "0.0330000 EUR in a file, 0.0230000 EUR by itself"),
        ({"files_wrong_status": 100}, "is rejected in a file, read by itself"),
        ({"files_missing": 100}, "does not name message 470000001"),
        ({"files": "failed"}, "a file failed"),
        ({"files": "off"}, "error 4"),
    ],
    ids=str,
)
def test_files_that_do_not_work_stay_off(
    sandbox: RunningSandbox, account: GatewayAccount, faults: dict[str, object], detail: str
) -> None:
    outcome, _waited = tried(sandbox, account, files_s=0, **faults)
    assert (outcome.works, outcome.is_inconclusive) == (False, False)
    assert detail in outcome.detail
    use = file_use.use_of(account)
    assert (use.is_on, use.why_off, use.detail) == (False, WhyOff.TRIAL, outcome.detail)
    sandbox.faults()
    assert sandbox.client().files() == []


def test_a_file_is_waited_for_only_so_long(
    sandbox: RunningSandbox, account: GatewayAccount
) -> None:
    outcome, waited = tried(sandbox, account, files="stuck")
    assert (outcome.works, outcome.is_inconclusive) == (False, True)
    assert outcome.detail == "a file was not ready after 30 seconds"
    assert waited == PATIENCE
    assert sandbox.client().files() == []


def test_what_proves_nothing_changes_nothing(
    sandbox: RunningSandbox, account: GatewayAccount
) -> None:
    outcome, _waited = tried(sandbox, account, files_others=5)
    assert (outcome.works, outcome.is_inconclusive) == (False, True)
    assert try_files(sandbox.client(), account, "470000009").is_inconclusive
    unreachable = Client("http://127.0.0.1:1/rest", "live_x_000001")
    assert try_files(unreachable, account, SENT).is_inconclusive
    assert StatusFileUse.objects.count() == 0


def test_only_an_administrator_switches_files_on_again(
    sandbox: RunningSandbox, account: GatewayAccount
) -> None:
    person = User.objects.create_user("olena", role=Role.ADMINISTRATOR)
    file_use.record_success(account, timezone.now(), takes_windows=True)
    file_use.switch_off(account, WhyOff.MISMATCH, "message 7")
    with pytest.raises(file_use.SwitchRefused, match="seen to work first"):
        file_use.switch(account, person, on=True)
    assert tried(sandbox, account, files_s=0)[0].works
    assert not file_use.use_of(account).is_on
    file_use.switch(account, person, on=True)
    assert file_use.use_of(account).is_on
    file_use.switch(account, person, on=False)
    use = file_use.use_of(account)
    assert (use.is_on, use.why_off) == (False, WhyOff.ADMINISTRATOR)
    assert AuditEntry.objects.filter(action__startswith="statistics files").count() == 2


@pytest.mark.parametrize(("role", "status"), [(Role.MARKETER, 403), (Role.ADMINISTRATOR, 302)])
def test_the_settings_page_switches_files(
    client: Browser, account: GatewayAccount, role: str, status: int
) -> None:
    client.force_login(User.objects.create_user("olena", role=role))
    file_use.record_success(account, timezone.now(), takes_windows=True)
    assert client.post("/settings/statistics-files", {"on": "0"}).status_code == status
    assert file_use.use_of(account).is_on == (status == 403)


def test_administrators_see_why_files_are_off(client: Browser, account: GatewayAccount) -> None:
    accounts.cache_state(accounts.load())
    person = User.objects.create_user("olena", role=Role.ADMINISTRATOR)
    client.force_login(person)
    assert "They were not tried yet." in client.get("/settings/").content.decode()
    file_use.switch_off(account, WhyOff.MISMATCH, "message 470000001 is read in a file")
    page = client.get("/settings/").content.decode()
    assert "A file did not agree with a single status." in page
    assert "message 470000001 is read in a file" in page
    assert (
        client.post("/settings/statistics-files", {"on": "1"}, follow=True)
        .content.decode()
        .count("They have to be seen to work first")
    )
    User.objects.update(role=Role.MARKETER)
    assert "Statistics files" not in client.get("/settings/").content.decode()
