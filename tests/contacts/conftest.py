"""Files to import, a folder for uploads, and signed-in users."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import openpyxl
import pytest
from django.test import Client
from pytest_django import Settings

from campaigns.models import Role, User

Rows = Sequence[Sequence[str]]
PEOPLE = [
    ["Телефон", "Ім'я", "Місто"],
    ["+380 97 292 0283", "Олена", "Київ"],
    ["0501234567", "Іван", ""],
    ["380671112233", 'Марія "Мері"', "Львів"],
    ["0501234567", "Іван знову", "Одеса"],
    ["044 123 45 67", "Офіс", "Київ"],
    ["", "Ніхто", ""],
    ["3.80973E+11", "Ексель", ""],
]
SHEETS = {
    "Київ": [["phone", "first_name"], ["0972920283", "Олена"]],
    "Порожній": [],
    "Львів": [["tel", "name"], ["0501234567", "Іван"]],
}


@pytest.fixture(autouse=True)
def uploads(settings: Settings, tmp_path: Path) -> Path:
    """Uploads of a test go to a folder of its own."""
    settings.UPLOAD_ROOT = tmp_path / "uploads"
    return tmp_path / "uploads"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write rows as a CSV file."""

    def written(
        rows: Rows, name: str = "people.csv", encoding: str = "utf-8", delimiter: str = ","
    ) -> Path:
        path = tmp_path / name
        with path.open("w", encoding=encoding, newline="") as file:
            csv.writer(file, delimiter=delimiter).writerows(rows)
        return path

    return written


@pytest.fixture
def marketer(db: None) -> User:
    return User.objects.create_user("marta", password="x", role=Role.MARKETER)


@pytest.fixture
def signed_in(client: Client, marketer: User) -> Client:
    client.force_login(marketer)
    return client


@pytest.fixture
def viewer(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("vera", password="x", role=Role.VIEWER))
    return client


@pytest.fixture
def book(tmp_path: Path, uploads: Path) -> Path:
    """A workbook with three sheets, the second of them empty."""
    made = openpyxl.Workbook()
    for place, (name, rows) in enumerate(SHEETS.items()):
        sheet = made.create_sheet(name, place)
        for row in rows:
            sheet.append(row)
    del made["Sheet"]
    made.save(tmp_path / "book.xlsx")
    return tmp_path / "book.xlsx"
