"""`manage.py backup`: database, pictures and contact files, verified, while everything runs."""

import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from campaigns.team.alerts import records
from campaigns.team.audit.commands import RecordedCommand
from viberdash.backups import database, encryption, folder, s3, tools
from viberdash.backups.errors import Refused


class Command(RecordedCommand):
    help = "Backs up the database, pictures and contact files, while everything runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--to",
            type=Path,
            default=settings.BACKUP_ROOT,
            metavar="FOLDER",
            help="default: %(default)s",
        )
        parser.add_argument(
            "--keep", type=positive, metavar="N", help="delete all but the newest N backups"
        )
        parser.add_argument(
            "--keep-days", type=positive, metavar="DAYS", help="delete backups older than DAYS"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with folder.alone(options["to"]):
                made = back_up(options["to"])
                self.stdout.write(f"{made}: complete and verified.")
                if not settings.BACKUP_RECIPIENT:
                    self.stdout.write(
                        "It is not encrypted, and without .env: keep SECRET_KEY and the API key"
                        " where you keep passwords."
                    )
                policy = timezone.now(), options["keep_days"], options["keep"]
                for name in folder.delete_old(options["to"], *policy):
                    self.stdout.write(f"{name}: deleted.")
                if settings.BACKUP_S3_URL:
                    for address in s3.upload_missing(options["to"]):
                        self.stdout.write(f"{address}: uploaded.")
                    for name in s3.delete_old(*policy) if any(policy[1:]) else []:
                        self.stdout.write(f"{settings.BACKUP_S3_URL}/{name}: deleted.")
                records.record_backup(made.name)
        except Refused as refused:
            records.record_failed_backup(str(refused))
            raise CommandError(str(refused)) from refused
        except Exception as error:
            records.record_failed_backup(f"{type(error).__name__}: {error}")
            raise


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def back_up(root: Path) -> Path:
    """Write a backup into a folder of its own below `root`. Returns it. Raises Refused."""
    now, recipient = timezone.now(), settings.BACKUP_RECIPIENT
    if recipient:
        tools.require(encryption.tool(recipient))
    with folder.draft(root, now) as (draft, name):
        if name.exists():
            raise Refused(f"{name} is there already. Try again in a second.")
        _file, facts = database.dump(draft)
        if not settings.S3_BUCKET:
            folder.pack(Path(settings.MEDIA_ROOT), draft / "media.tar.gz")
        folder.pack(Path(settings.UPLOAD_ROOT), draft / "uploads.tar.gz")
        if recipient:
            if settings.ENV_FILE.is_file():
                shutil.copyfile(settings.ENV_FILE, draft / "settings.env")
            for file in sorted(draft.iterdir()):
                encryption.encrypt(file, recipient)
        for file in draft.iterdir():
            file.chmod(0o600)
        folder.finish(draft, name, facts, database.engine(), now)
    return name
