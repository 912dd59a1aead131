"""`manage.py restore`: a backup into an empty database, which sends nothing until confirmed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from campaigns.team import safe_mode
from viberdash.backups import database, encryption, folder, s3
from viberdash.backups.errors import Refused


class Command(BaseCommand):
    help = (
        "Restores a backup into an empty database. Nothing is sent from it until an administrator"
        " confirms."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("backup", help="the folder of the backup, or s3://BUCKET/…/viberdash-…")
        parser.add_argument(
            "--identity", default="", metavar="FILE", help="the file with the secret key of age"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with local_copy(options["backup"]) as backup:
                restore(backup, options["identity"])
        except Refused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(
            "Restored, and the same as the original. Safe mode is on: nothing is sent.\n"
            "Now run manage.py prepare, start everything, look at the campaigns, and end safe mode"
            " on any page or with manage.py confirm_restore."
        )


@contextmanager
def local_copy(backup: str) -> Iterator[Path]:
    """The folder of a backup, which is fetched for as long if it is in a bucket. Raises Refused."""
    if not backup.startswith(s3.SCHEME):
        yield Path(backup)
        return
    database.require_empty()
    with TemporaryDirectory(dir=settings.DATA_ROOT) as temporary:
        yield s3.download(backup, Path(temporary))


def restore(backup: Path, identity: str) -> None:
    """Restore a backup into the empty database and the empty folders. Raises Refused."""
    manifest = folder.read_manifest(backup)
    require_known(manifest)
    places = {"media.tar.gz": settings.MEDIA_ROOT, "uploads.tar.gz": settings.UPLOAD_ROOT}
    for place in map(Path, places.values()):
        if place.is_dir() and any(place.iterdir()):
            raise Refused(f"{place} is not empty. Move away what is in it.")
    database.require_empty()
    with TemporaryDirectory(dir=settings.DATA_ROOT) as temporary:
        files = {}
        for name in manifest["files"]:
            plain = encryption.decrypt(backup / name, Path(temporary), identity)
            files[plain.name] = plain
        database.load(files[database.FILE_NAMES[manifest["engine"]]], manifest["facts"])
        safe_mode.enter(timezone.now())
        database.require_same(manifest["facts"])
        for archive, place in places.items():
            if archive in files:
                folder.unpack(files[archive], Path(place))


def require_known(manifest: dict[str, Any]) -> None:
    """Raise Refused if the backup is of the other engine, or of a newer version than this one."""
    if manifest["engine"] != database.engine():
        raise Refused(
            f"The backup is of {manifest['engine']}, and DATABASE_URL names {database.engine()}."
        )
    loader = MigrationLoader(None)
    known = {f"{app}.{name}" for app, name in loader.disk_migrations}
    replaced = {
        f"{app}.{name}" for each in loader.disk_migrations.values() for app, name in each.replaces
    }
    if unknown := sorted(set(manifest["facts"]["migrations"]) - known - replaced):
        raise Refused(
            f"The backup is of version {manifest['version']}, whose migration {unknown[0]} this"
            " version does not know. Install the version that made it, or a newer one."
        )
