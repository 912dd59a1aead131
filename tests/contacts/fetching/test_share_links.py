"""Links to pages with a table, and what is shown of an address."""

import pytest

from campaigns.contacts.fetching.share_links import shown_address, table_address

SHEET = "https://docs.google.com/spreadsheets/d/1AbC-d_9"
PUBLISHED = "https://docs.google.com/spreadsheets/d/e/2PACX-1v"
TOKEN = "aBc123DeF456xyZ"


@pytest.mark.parametrize(
    ("link", "table"),
    [
        (f"{SHEET}/edit?usp=sharing", f"{SHEET}/export?format=csv"),
        (f"{SHEET}/edit?gid=1#gid=42", f"{SHEET}/export?format=csv&gid=42"),
        (f"{SHEET}/view?gid=7", f"{SHEET}/export?format=csv&gid=7"),
        (SHEET, f"{SHEET}/export?format=csv"),
        (f"{SHEET}/", f"{SHEET}/export?format=csv"),
        (f"  {SHEET}/htmlview#gid=0 ", f"{SHEET}/export?format=csv&gid=0"),
        (SHEET.replace("/d/", "/u/1/d/") + "/edit", f"{SHEET}/export?format=csv"),
        (SHEET.replace("/spreadsheets", "/a/x.test/spreadsheets"), f"{SHEET}/export?format=csv"),
        (f"{SHEET}/edit?gid=1'--", f"{SHEET}/export?format=csv"),
        (f"{SHEET}/export?format=xlsx#gid=1", f"{SHEET}/export?format=xlsx"),
        (f"{PUBLISHED}/pubhtml", f"{PUBLISHED}/pub?output=csv"),
        (f"{PUBLISHED}/pubhtml?gid=5&single=true", f"{PUBLISHED}/pub?gid=5&single=true&output=csv"),
        (f"{PUBLISHED}/pub?output=tsv", f"{PUBLISHED}/pub?output=tsv"),
        (
            "https://www.dropbox.com/scl/fi/t0/a.csv?rlkey=k%2F1&dl=0",
            "https://www.dropbox.com/scl/fi/t0/a.csv?rlkey=k%2F1&dl=1",
        ),
        ("https://dropbox.com/s/t0/a.csv?raw=1", "https://dropbox.com/s/t0/a.csv?dl=1"),
        (f"https://cloud.test/s/{TOKEN}", f"https://cloud.test/s/{TOKEN}/download"),
        (
            f"https://x.test/nextcloud/index.php/s/{TOKEN}/",
            f"https://x.test/nextcloud/index.php/s/{TOKEN}/download",
        ),
    ],
)
def test_link_to_a_page_becomes_that_of_the_table(link: str, table: str) -> None:
    assert table_address(link) == table
    assert table_address(table) == table


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/clients.csv?key=1#x",
        f"https://cloud.test/s/{TOKEN}/download",
        "https://shop.test/s/summer",
        "https://docs.google.com.evil.test/spreadsheets/d/1/edit",
        "https://docs.google.com/document/d/1/edit",
        "https://evil.test/docs.google.com/spreadsheets/d/1/edit",
        "https://www.dropbox.com/home",
        "nonsense",
        "http://[::1",
    ],
)
def test_other_addresses_stay(address: str) -> None:
    assert table_address(address) == address


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://x.test/clients.csv?key=secret", "x.test/clients.csv"),
        ("https://x.test/t0ken/clients.csv", "x.test/…/clients.csv"),
        (f"{SHEET}/export?format=csv", "docs.google.com/…/"),
        ("https://x.test/", "x.test"),
        ("https://x.test", "x.test"),
        ("https://x.test/t0ken", "x.test/…/"),
        ("http://[::1", ""),
    ],
)
def test_secrets_of_an_address_are_not_shown(address: str, shown: str) -> None:
    assert shown_address(address) == shown
