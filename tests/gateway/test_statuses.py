"""The table of statuses is the one that the contract documents and that the sandbox follows."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from campaigns.dispatch.models import DeliveryState
from campaigns.gateway.sandbox import courses
from campaigns.gateway.statuses import STATUSES, Progress, known_spelling, status_meaning

DOCS = Path(settings.BASE_DIR) / "docs"
# how docs/gateway-contract.md writes each
PROGRESS_IN_WORDS = {
    "waiting at the gateway": Progress.WAITING,
    "sent": Progress.SENT,
    "delivered": Progress.DELIVERED,
    "read": Progress.READ,
    "not delivered": Progress.NOT_DELIVERED,
    "not yet known": Progress.NOT_KNOWN,
}


def table(page: str, heading: str) -> list[list[str]]:
    """The cells of the rows of the first table under `heading`, without its head."""
    text = (DOCS / page).read_text().partition(f"{heading}\n")[2]
    rows = [line for line in text.partition("\n#")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def documented() -> dict[str, tuple[Progress, bool]]:
    """The statuses of the contract."""
    statuses_by_name: dict[str, tuple[Progress, bool]] = {}
    for statuses, state, final in table("gateway-contract.md", "### Statuses"):
        progress = PROGRESS_IN_WORDS[re.split("[,;]", state)[0]]
        for status in re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", statuses)):
            statuses_by_name[status] = (progress, final == "yes")
    return statuses_by_name


def test_the_table_holds_the_statuses_of_the_contract() -> None:
    rows = {row.status: (row.progress, row.is_final) for row in STATUSES.values() if row.status}
    assert rows == documented()
    assert len(rows) == 18


@pytest.mark.parametrize("status", sorted(STATUSES))
def test_a_status_is_known_in_any_case_and_with_hyphens(status: str) -> None:
    for written in (status, status.upper(), status.title(), status.replace("_", "-")):
        assert known_spelling(written) == status


def test_an_undocumented_status_keeps_its_spelling() -> None:
    assert known_spelling("Tele-Ported") == "Tele-Ported"


def test_each_progress_is_a_delivery_state() -> None:
    states = {state.value for state in DeliveryState}
    assert states - {progress.value for progress in Progress} == {"fallback", "sms_delivered"}
    assert {progress.value for progress in Progress} <= states


def test_each_status_has_a_label_of_its_own() -> None:
    assert len({str(row.label) for row in STATUSES.values()}) == len(STATUSES)
    assert all(str(row.next_step).endswith(".") for row in STATUSES.values() if row.next_step)


def test_an_undocumented_status_means_nothing_and_is_shown_as_it_came() -> None:
    unheard_of = status_meaning("teleported")
    assert (unheard_of.progress, unheard_of.is_final) == (Progress.NOT_KNOWN, False)
    assert (str(unheard_of.label), str(unheard_of.next_step)) == ("teleported", "")


def test_the_sandbox_uses_one_undocumented_status() -> None:
    outcomes = {outcome for _below, outcome in courses.OUTCOMES} | set(courses.FORCED.values())
    assert outcomes - set(STATUSES) == {courses.UNDOCUMENTED}


def test_docs_name_each_forced_result() -> None:
    named = dict(re.findall(r"\| (90\d\d) \| ([^|]+)", (DOCS / "sandbox.md").read_text()))
    assert set(named) == set(courses.FORCED)
    assert all(outcome in named[digits] for digits, outcome in courses.FORCED.items())
