import pytest

from tests import platforms


@pytest.mark.parametrize("address", platforms.SERVICES.values(), ids=["PostgreSQL", "Redis"])
def test_service_answers(address: str) -> None:
    """A missing one is a failure where REQUIRE_SERVICES=1, and loud in the summary of `make test`
    otherwise.
    """
    trouble = platforms.trouble(address)
    if trouble and not platforms.REQUIRED:
        pytest.skip(f"{platforms.place(address)}: {trouble}")
    assert trouble == ""
