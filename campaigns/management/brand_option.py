"""The option --brand of commands."""

from argparse import ArgumentParser

from django.core.management.base import CommandError

from campaigns.team import brands


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
