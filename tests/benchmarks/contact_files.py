"""Files of contacts for measuring: seeded, so that every run measures the same rows."""

import csv
import random
from collections.abc import Iterator
from pathlib import Path

import openpyxl

HEADER = ["phone", "first_name", "city", "bonus"]
NAMES = ("Олена", "Іван", "Марія", "Stefan", "Ioana", "Παύλος")
CITIES = ("Київ", "Львів", "Cluj", "Beograd", "Αθήνα")
OPERATORS = ("50", "66", "67", "68", "63", "73", "93", "95", "96", "97", "98", "99")
INVALID, DUPLICATE = 0.03, 0.05


def rows(count: int, *, clean: bool = False) -> Iterator[list[str]]:
    """`count` rows, 3 % of them invalid and 5 % twice (neither where `clean`), in the forms people
    write phones in.
    """
    chance = random.Random(20261123)
    numbers = chance.sample(range(len(OPERATORS) * 10**7), count)
    seen: list[str] = []
    for place, number in enumerate(numbers):
        phone = _written(chance, number)
        fate = 1.0 if clean else chance.random()
        if fate < INVALID:
            phone = _invalid(chance, place)
        elif fate < INVALID + DUPLICATE and seen:
            phone = chance.choice(seen)
        elif place % 10 == 0:
            seen.append(phone)
        yield [
            phone,
            f"{chance.choice(NAMES)}{place % 1000}",
            chance.choice(CITIES),
            str(chance.randint(1, 999)),
        ]


def _written(chance: random.Random, number: int) -> str:
    operator, rest = OPERATORS[number // 10**7], f"{number % 10**7:07d}"
    form = chance.random()
    if form < 0.6:
        return f"380{operator}{rest}"
    if form < 0.8:
        return f"+380{operator}{rest}"
    return (
        f"0{operator}{rest}"
        if form < 0.9
        else f"+380 ({operator}) {rest[:3]}-{rest[3:5]}-{rest[5:]}"
    )


def _invalid(chance: random.Random, place: int) -> str:
    kinds = (
        "",
        "12345",
        f"044{place % 10**7:07d}",
        "not known",
        "3.80973E+11",
        f"+999{place:09d}",
        f"38050{place:09d}",
    )
    return chance.choice(kinds)


def write_csv(path: Path, count: int, *, clean: bool = False) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(rows(count, clean=clean))
    return path


def write_xlsx(path: Path, count: int) -> Path:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("People")
    sheet.append(HEADER)
    for phone, *others in rows(count):
        sheet.append([int(phone) if phone.isdigit() and phone[0] != "0" else phone, *others])
    book.save(path)
    return path
