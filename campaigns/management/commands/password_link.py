"""`manage.py password_link NAME`: print a link with which the user chooses a new password."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from campaigns.team import audit
from campaigns.team.audit.commands import RecordedCommand
from campaigns.team.models import User
from campaigns.team.sign_in.factors import is_linked
from campaigns.team.sign_in.links import HOURS, link_for


class Command(RecordedCommand):
    help = (
        "Prints a link with which a user chooses a new password, for installations that send no"
        " e-mail. Hand it to that user alone. The trail records it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the user name")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["name"]).first()
        if user is None:
            raise CommandError(f"There is no user “{options['name']}”.")
        if not user.is_active:
            raise CommandError("The account is closed. An administrator has to reopen it first.")
        if is_linked(user):
            raise CommandError(f"The account has no password: it uses {settings.OIDC_NAME}.")
        audit.record(None, user, "password link made", "with manage.py password_link")
        self.stdout.write(f"It works once, for {HOURS} hours:\n\n  {link_for(user)}\n")
