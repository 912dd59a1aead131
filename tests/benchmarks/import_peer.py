# mypy: ignore-errors
"""django-import-export as most people set it up, and as far as its options go, for our table of
contacts.
"""

from collections.abc import Iterable
from typing import Any

import phonenumbers
from import_export import resources
from import_export.instance_loaders import CachedInstanceLoader
from tablib import Dataset

from campaigns.contacts.models import Contact


class Plain(resources.ModelResource):
    """The default: each row is looked up, built, cleaned and saved by itself."""

    class Meta:
        model = Contact
        fields = ("list", "msisdn", "country", "fields")
        import_id_fields = ("list", "msisdn")

    def before_import_row(self, row: dict[str, Any], **kwargs: Any) -> None:
        number = phonenumbers.parse(row["msisdn"], "UA")
        if not phonenumbers.is_valid_number(number):
            raise ValueError(row["msisdn"])
        row["msisdn"] = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
        row["country"] = phonenumbers.region_code_for_number(number)


class Bulk(Plain):
    """With the switch that its documentation recommends for many rows."""

    class Meta(Plain.Meta):
        use_bulk = True


class Tuned(Plain):
    """With every option that makes it faster."""

    class Meta(Plain.Meta):
        use_bulk = True
        batch_size = 2_000
        skip_diff = True
        skip_unchanged = False
        report_skipped = False
        force_init_instance = True
        skip_html_diff = True
        use_transactions = True
        instance_loader_class = CachedInstanceLoader


RESOURCES = {"default": Plain, "use_bulk": Bulk, "tuned": Tuned}


def dataset(list_id: int, rows: Iterable[list[str]]) -> Dataset:
    made = Dataset(headers=["list", "msisdn", "country", "fields"])
    for phone, first_name, city, bonus in rows:
        fields = f'{{"first_name":"{first_name}","city":"{city}","bonus":"{bonus}"}}'
        made.append([list_id, phone, "", fields])
    return made


def run(name: str, list_id: int, rows: Iterable[list[str]]) -> int:
    """Import the rows; how many came in."""
    result = RESOURCES[name]().import_data(dataset(list_id, rows), raise_errors=True)
    return int(result.totals["new"])
