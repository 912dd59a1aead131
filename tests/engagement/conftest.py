import pytest
from pytest_django import Settings

from tests.engagement import visits


@pytest.fixture(autouse=True)
def links(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LINK_BASE_URL, settings.LINK_HOST = f"https://{visits.HOST}", visits.HOST
    settings.BSG_API_URL = "http://127.0.0.1:1/rest"  # local: nobody asks it
    visits.start_afresh(monkeypatch)
