"""`manage.py prepare`: tables, static files and the first administrator. Run it at each upgrade."""

import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.utils.translation import gettext as _

from campaigns.events import webhooks
from campaigns.team import audit, safe_mode
from campaigns.team.audit.commands import RecordedCommand
from campaigns.team.brand_keys.encryption import can_encrypt
from campaigns.team.brand_keys.storage import encrypt_again
from campaigns.team.models import Role, User
from viberdash.private_files import tighten

NAME = "admin"


class Command(RecordedCommand):
    help = (
        "Brings the database and the static files up to date, and creates an administrator if there"
        " are no users."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        for line in tighten(private_paths()):
            self.stdout.write(line)
        for folder in (settings.MEDIA_ROOT, settings.UPLOAD_ROOT):
            Path(folder).mkdir(parents=True, exist_ok=True, mode=0o700)
        require_known_migrations()
        call_command("migrate", interactive=False, verbosity=0)
        for line in encrypt_keys():
            self.stdout.write(line)
        collect_static()
        if notice := safe_mode.notice():
            self.stderr.write(notice)
        if password := first_administrator():
            self.stdout.write(
                "\n".join(
                    [
                        "",
                        "  " + _("The first administrator. This is shown only once:"),
                        "",
                        f"      {_('user name')}  {NAME}",
                        f"      {_('password')}   {password}",
                        "",
                        "  " + _("You choose your own password at the first sign-in."),
                        "",
                    ]
                )
            )


def require_known_migrations() -> None:
    """Raise CommandError if the database has migrations that this version does not know: its tables
    may be others than this code expects, and nothing would say so.
    """
    loader = MigrationLoader(connection)
    replaced = {key for migration in loader.replacements.values() for key in migration.replaces}
    known = loader.disk_migrations.keys() | replaced
    unknown = sorted(
        f"{app}.{name}"
        for app, name in loader.applied_migrations
        if app in loader.migrated_apps and (app, name) not in known
    )
    if unknown:
        raise CommandError(
            f"The database is of another version: this one does not know {', '.join(unknown[:3])}."
            " Run the version that it belongs to, or restore a backup of this one."
        )


def encrypt_keys() -> Iterator[str]:
    """Encrypt the API keys of brands and the secrets of webhooks anew, with the first of
    KEY_ENCRYPTION_KEYS. Lines about what was done, and what can't be.
    """
    encrypted, unreadable = encrypt_again()
    if encrypted:
        yield f"API keys encrypted anew with the first of KEY_ENCRYPTION_KEYS: {encrypted}."
    if unreadable:
        names = ", ".join(unreadable)
        yield f"KEY_ENCRYPTION_KEYS lacks the key of these brands, which send nothing: {names}."
    _all, webhooks_without = webhooks.encrypt_again() if can_encrypt() else (0, [])
    if webhooks_without:
        text = ", ".join(map(str, webhooks_without))
        yield f"KEY_ENCRYPTION_KEYS lacks the key of these webhooks, which get nothing: {text}."


def private_paths() -> list[Path]:
    """What no other user of this machine may read: settings, database, contact files, pictures,
    the sandbox's journal. Folders that hold only some of these are left alone.
    """
    paths = [settings.DATA_ROOT, settings.ENV_FILE, settings.STATE_FILE]
    if settings.SQLITE:
        database = Path(settings.DATABASES["default"]["NAME"])
        paths += [database.with_name(database.name + end) for end in ("", "-wal", "-shm")]
    paths += [Path(settings.UPLOAD_ROOT), Path(settings.MEDIA_ROOT), Path(settings.STATIC_ROOT)]
    return [path for path in paths if path.is_dir() or path.is_file()]


def first_administrator() -> str:
    """Create one if there are no users yet. Returns the password, or an empty string."""
    with transaction.atomic():
        if User.objects.exists():
            return ""
        password = new_password()
        first = User.objects.create_superuser(
            NAME, password=password, role=Role.ADMINISTRATOR, must_change_password=True
        )
        audit.record(None, first, "created", f"as {Role.ADMINISTRATOR}")
    return password


def new_password() -> str:
    """Easy to read and to type: four groups of four, 79 bits, no characters that look alike."""
    return "-".join(
        "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for letter in range(4))
        for group in range(4)
    )


def collect_static() -> None:
    """Collect and compress the static files, if any changed. In development they are served as
    they are.
    """
    if settings.DEBUG:
        return
    stamp = Path(settings.STATIC_ROOT) / ".gathered"
    now = fingerprint()
    if not stamp.exists() or stamp.read_text() != now:
        call_command("collectstatic", interactive=False, verbosity=0)
        stamp.write_text(now)


def fingerprint() -> str:
    """A hash over the names, sizes and times of the static files."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            digest.update(
                f"{path} {storage.size(path)} "
                f"{storage.get_modified_time(path).timestamp()}\n".encode()
            )
    return digest.hexdigest()
