"""Backups in a bucket of S3, or of what speaks its protocol: a folder for each in BACKUP_S3_URL.

The manifest comes last: what has none is no backup. Each request is signed with the hash of its
body, so the server refuses what was changed on the way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from viberdash.backups import folder
from viberdash.backups.errors import Refused

SCHEME = "s3://"


def upload_missing(root: Path) -> Iterator[str]:
    """Copy the complete backups of `root` that are newer than all in the bucket: the present one,
    and before it those whose upload failed. Yields the address of each when it is there. Raises
    Refused.

    The newest goes first, so that no other one can keep it from the bucket. What is older than the
    bucket's newest stays away: a rule of the bucket may have deleted it there.
    """
    with _client() as client:
        present = _complete(_keys(client))
    for name in reversed(folder.complete(root)):
        if not present or name > present[-1]:
            yield upload(root / name)


def upload(backup: Path) -> str:
    """Copy a complete backup into the bucket. Returns its address. Raises Refused."""
    bucket, prefix = _split(f"{settings.BACKUP_S3_URL}/{backup.name}")
    files = sorted(backup.iterdir(), key=lambda file: file.name == folder.MANIFEST)
    with _client() as client:
        for file in files:
            client.upload_file(str(file), bucket, f"{prefix}/{file.name}")
        sizes = dict(_objects(client, bucket, f"{prefix}/"))
    wrong = [file.name for file in files if sizes.get(f"{prefix}/{file.name}") != _size(file)]
    if wrong:
        raise Refused(f"{wrong[0]} has another size in the bucket than here.")
    return f"{SCHEME}{bucket}/{prefix}"


def delete_old(now: datetime, days: int | None, number: int | None) -> list[str]:
    """Delete backups from the bucket as `folder.delete_old` does. Returns their names. Raises
    Refused.
    """
    bucket, _prefix = _split(settings.BACKUP_S3_URL)
    with _client() as client:
        keys = _keys(client)
        old = folder.too_old(_complete(keys), now, days, number)
        # the manifest goes first: half a backup is none
        for key in sorted(keys, key=lambda key: not key.endswith(folder.MANIFEST)):
            if key.split("/")[-2] in old:
                client.delete_object(Bucket=bucket, Key=key)
    return old


def download(address: str, target: Path) -> Path:
    """Fetch the backup at s3://bucket/…/viberdash-… into a folder of `target`. Returns the folder.
    Raises Refused.
    """
    bucket, prefix = _split(address)
    backup = target / Path(prefix).name
    backup.mkdir(mode=0o700)
    with _client() as client:
        for key, _size in _objects(client, bucket, f"{prefix}/"):
            name = key.removeprefix(f"{prefix}/")
            if name and "/" not in name:
                client.download_file(bucket, key, str(backup / name))
    if not (backup / folder.MANIFEST).is_file():
        raise Refused(f"{address} is no complete backup: it has no {folder.MANIFEST}.")
    return backup


def _keys(client: Any) -> list[str]:
    """The keys of all backups in BACKUP_S3_URL."""
    bucket, prefix = _split(settings.BACKUP_S3_URL)
    start = f"{prefix}/{folder.PREFIX}" if prefix else folder.PREFIX
    return [key for key, _size in _objects(client, bucket, start)]


def _complete(keys: list[str]) -> list[str]:
    """The names of the complete backups among `keys`, the oldest first."""
    return sorted(key.split("/")[-2] for key in keys if key.endswith(f"/{folder.MANIFEST}"))


def _split(address: str) -> tuple[str, str]:
    bucket, _slash, prefix = address.removeprefix(SCHEME).partition("/")
    return bucket, prefix.strip("/")


def _size(file: Path) -> int:
    return file.stat().st_size


def _objects(client: Any, bucket: str, prefix: str) -> Iterator[tuple[str, int]]:
    """Keys and sizes."""
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            yield item["Key"], item["Size"]


@contextmanager
def _client() -> Iterator[Any]:
    """boto3's client; what fails within is Refused."""
    import boto3  # takes a while, and is for installations with a bucket
    from boto3.exceptions import Boto3Error
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    if not settings.BACKUP_S3_ACCESS_KEY:
        raise Refused("Set BACKUP_S3_ACCESS_KEY and BACKUP_S3_SECRET_KEY.")
    config = Config(
        s3={"addressing_style": "path", "payload_signing_enabled": True},
        request_checksum_calculation="when_required",  # not all others know those of Amazon
        response_checksum_validation="when_required",
    )
    try:
        yield boto3.client(
            "s3",
            endpoint_url=settings.BACKUP_S3_ENDPOINT or None,
            region_name=settings.BACKUP_S3_REGION or None,
            aws_access_key_id=settings.BACKUP_S3_ACCESS_KEY,
            aws_secret_access_key=settings.BACKUP_S3_SECRET_KEY,
            config=config,
        )
    except (BotoCoreError, Boto3Error, ClientError) as error:
        raise Refused(f"S3: {' '.join(str(error).split())}") from error
