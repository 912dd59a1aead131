"""`manage.py encrypt_keys`: encrypt API keys of brands anew, when KEY_ENCRYPTION_KEYS changed."""

from typing import Any

from django.core.management.base import CommandError

from campaigns.team.audit.commands import RecordedCommand
from campaigns.team.brand_keys import encryption, storage


class Command(RecordedCommand):
    help = (
        "Encrypts all stored API keys of brands with the first of KEY_ENCRYPTION_KEYS. After it the"
        " others can be removed. Exits with 1 if a key can't be decrypted."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not encryption.can_encrypt():
            raise CommandError("KEY_ENCRYPTION_KEYS is not set.")
        encrypted, unreadable = storage.encrypt_again()
        self.stdout.write(f"{encrypted} keys were encrypted with the first key.")
        if unreadable:
            names = ", ".join(unreadable)
            raise CommandError(
                f"KEY_ENCRYPTION_KEYS lacks the key of: {names}. Theirs stay as they are."
            )
