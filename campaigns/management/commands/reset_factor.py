"""`manage.py reset_factor NAME`: remove the second factors of a user who lost them."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from campaigns.team.audit.commands import RecordedCommand
from campaigns.team.models import User
from campaigns.team.sign_in import factors


class Command(RecordedCommand):
    help = (
        "Removes the second factors of a user who lost them, and ends their sessions. The user"
        " signs in with the password, and sets up another one. The trail records it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the user name")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["name"]).first()
        if user is None:
            raise CommandError(f"There is no user “{options['name']}”.")
        if not factors.reset(None, user, "with manage.py reset_factor"):
            raise CommandError("This user has no second factor.")
        self.stdout.write("The second factor is removed.")
