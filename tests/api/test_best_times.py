"""The best times by the API: those of the page."""

import pytest
import time_machine

from campaigns.models import User
from tests.api.client import ApiClient
from tests.reports.test_best_times import NOW, three_campaigns

pytestmark = pytest.mark.django_db


def test_the_best_times_are_by_the_clock_of_the_owner(api: ApiClient) -> None:
    User.objects.filter(pk=api.token.owner.pk).update(time_zone="Europe/Kyiv")
    with time_machine.travel(NOW, tick=False):
        assert api.get("best-times").json()["best_hour"] is None
        three_campaigns()
        times = api.get("best-times").json()
    assert (times["campaigns"], times["best_hour"], times["best_day"]) == (3, 20, 1)
    evening = times["hours"][20]
    assert (evening["sent"], evening["delivered"], evening["read"]) == (3000, 2700, 1890)
    assert (evening["read_rate"], evening["enough"]) == (pytest.approx(70), True)
    assert (times["hours"][3]["read_rate"], times["days"][0]["read"]) == (None, 1350)
