"""What is wrong with backups, and with the disks of this machine."""

import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext_noop

from campaigns.contacts.phones.masking import mask_phones_in
from campaigns.reports.alerts.findings import Finding
from campaigns.team.alerts import records

USUAL_HOURS = 48  # between backups, once there is one
ROOM_AGAIN = 1  # percent above the limit: the alert is over


def failed_backup(_now: datetime) -> list[Finding]:
    """The last backup failed."""
    last = records.last_backups()
    if last.failed_at is None or (last.succeeded_at and last.succeeded_at >= last.failed_at):
        return []
    return [Finding(detail={"failure": mask_phones_in(last.failure), "at": _iso(last.failed_at)})]


def overdue_backup(now: datetime) -> list[Finding]:
    """No backup was completed for too long."""
    last = records.last_backups().succeeded_at
    hours = backup_hours(last is not None)
    if not hours or (last and now - last < timedelta(hours=hours)):
        return []
    return [Finding(detail={"hours": hours, "at": _iso(last) if last else ""})]


def backup_hours(has_backup: bool) -> int:
    """So many hours may pass without a backup; 0: any number."""
    if settings.BACKUP_ALERT_HOURS is None:
        return USUAL_HOURS if has_backup else 0
    return int(settings.BACKUP_ALERT_HOURS)


def full_disks(_now: datetime) -> list[Finding]:
    """The disks of this machine that are nearly full, each once."""
    limit = settings.DISK_ALERT_PERCENT
    findings = []
    for name, folder in _disks():
        usage = shutil.disk_usage(folder)
        percent = usage.free * 100 / max(usage.total, 1)
        if limit and percent < limit + ROOM_AGAIN:
            machine = settings.WORKER_NAME
            finding = Finding(
                f"{machine[:90]}:{name}",
                {"machine": machine, "folder": name, "percent": int(percent)},
                starts=percent < limit,
            )
            findings.append(finding)
    return findings


def _disks() -> Iterator[tuple[str, Path]]:
    """What is on each disk of this machine that files are written to, and a folder on it."""
    folders = {gettext_noop("Contact files"): Path(settings.UPLOAD_ROOT)}
    if settings.SQLITE:
        folders = {
            gettext_noop("Database"): Path(settings.DATABASES["default"]["NAME"]).parent,
            **folders,
        }
    if not settings.S3_BUCKET:
        folders[gettext_noop("Pictures")] = Path(settings.MEDIA_ROOT)
    seen = set()
    for name, folder in folders.items():
        there = next(path for path in (folder, *folder.parents) if path.exists())
        device = os.stat(there).st_dev
        if device not in seen:
            seen.add(device)
            yield name, there


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
