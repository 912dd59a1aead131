"""`manage.py confirm_account`: say whose key the address and key of a brand are, after a change."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from campaigns.management.brand_option import add_brand_option, brand_named, in_brand
from campaigns.team import accounts
from campaigns.team.audit.commands import RecordedCommand
from campaigns.team.models import GatewayAccount


class Command(RecordedCommand):
    help = (
        "Says which account the gateway's address and key belong to, after they changed. Without"
        " an option it shows the accounts. Until then nothing is sent or asked."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_brand_option(parser)
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument(
            "--same", type=int, metavar="ID", help="it is a new key of the account with this ID"
        )
        choice.add_argument("--another", metavar="NAME", help="it belongs to another account")

    def handle(self, *args: Any, brand: str, **options: Any) -> None:
        with in_brand(brand_named(brand)):
            self._show_or_confirm(options)

    def _show_or_confirm(self, options: dict[str, Any]) -> None:
        known = accounts.load()
        if known.problem:
            raise CommandError(known.problem)
        if options["same"] is not None or options["another"] is not None:
            if known.current:
                raise CommandError(f"The key is known already: it belongs to {known.current}.")
            self.stdout.write(f"The account in use is {self._confirm(**options)}.")
            return
        for account in known.known:
            in_use = " (in use)" if account == known.current else ""
            self.stdout.write(
                f"{account.pk}  {account.name}, {account.get_environment_display()},"
                f" {account.base_url}{in_use}"
            )
        if known.is_new_key:
            self.stdout.write("The key in use is new: choose --same ID or --another NAME.")

    @staticmethod
    def _confirm(same: int | None, another: str | None, **_options: Any) -> GatewayAccount:
        if same is None:
            return accounts.confirm_another(None, another or "")
        try:
            return accounts.confirm_same(None, same)
        except GatewayAccount.DoesNotExist:
            raise CommandError(f"There is no account {same} in the same environment.") from None
