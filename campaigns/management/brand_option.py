"""The option --brand of commands, and what a command does for a brand."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from campaigns.shared.brands.scope import acting_for
from campaigns.team import brands
from campaigns.team.brand_keys.in_use import using_key_of


def add_brand_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--brand", default="main", metavar="NAME", help="short name of the brand (%(default)s)"
    )


def brand_named(slug: str) -> int:
    """The id of the brand with this short name. Raises CommandError if there is none."""
    try:
        return brands.brand_of_slug(slug).pk
    except brands.Refused as refused:
        raise CommandError(str(refused)) from refused


@contextmanager
def in_brand(brand_id: int | None) -> Iterator[None]:
    """Within it, the command acts for the brand, with its key for the gateway."""
    with acting_for(brand_id), using_key_of(brand_id):
        yield
