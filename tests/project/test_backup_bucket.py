"""Backups in a bucket: what is stored there, fetched from it and deleted."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.s3_server import SECRET, Bucket
from viberdash.backups import folder, s3
from viberdash.backups.errors import Refused

NOW = datetime(2026, 11, 30, 3, tzinfo=UTC)
NAME = "viberdash-20261130T030000Z"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    with folder.alone(tmp_path), folder.draft(tmp_path, NOW) as (draft, name):
        (draft / "database.dump").write_bytes(b"rows" * 1000)
        (draft / "uploads.tar.gz").write_bytes(b"")
        folder.finish(draft, name, {}, "sqlite", NOW)
    return name


def test_uploaded_backup_is_fetched_as_it_was(backup: Path, bucket: Bucket, tmp_path: Path) -> None:
    assert s3.upload(backup) == f"s3://safe/daily/{NAME}"
    assert bucket.objects == {
        f"daily/{NAME}/{file.name}": file.read_bytes() for file in backup.iterdir()
    }
    uploads = [request for request in bucket.requests if request.startswith("PUT")]
    assert uploads[-1] == f"PUT daily/{NAME}/manifest.json"
    (tmp_path / "new").mkdir()
    fetched = s3.download(f"s3://safe/daily/{NAME}", tmp_path / "new")
    assert folder.read_manifest(fetched) == folder.read_manifest(backup)
    assert (fetched / "database.dump").read_bytes() == b"rows" * 1000


def test_what_could_not_be_uploaded_is_with_the_next_backup(
    backup: Path, bucket: Bucket, tmp_path: Path
) -> None:
    for hour in (1, 2, 4):
        now = NOW.replace(hour=hour)
        with folder.alone(tmp_path), folder.draft(tmp_path, now) as (draft, name):
            (draft / "database.dump").write_bytes(b"rows")
            folder.finish(draft, name, {}, "sqlite", now)
    (tmp_path / "viberdash-20261130T050000Z").mkdir()  # not complete
    names = {hour: f"viberdash-20261130T0{hour}0000Z" for hour in (1, 2, 3, 4)}
    bucket.objects[f"daily/{names[2]}/manifest.json"] = b"{}"  # and a rule has deleted the first
    bucket.objects["daily/viberdash-20261130T060000Z/database.dump"] = b"half of one"
    bucket.refused.add(f"PUT daily/{names[3]}/manifest.json")
    uploads = s3.upload_missing(tmp_path)
    assert next(uploads) == f"s3://safe/daily/{names[4]}"
    with pytest.raises(Refused, match="AccessDenied"):
        next(uploads)
    for file in ("manifest.json", "database.dump"):
        del bucket.objects[f"daily/{names[4]}/{file}"]
    bucket.refused.clear()
    assert list(s3.upload_missing(tmp_path)) == [f"s3://safe/daily/{names[n]}" for n in (4, 3)]
    assert bucket.objects[f"daily/{NAME}/database.dump"] == b"rows" * 1000
    assert list(s3.upload_missing(tmp_path)) == []
    assert not [key for key in bucket.objects if names[1] in key]


def test_what_has_no_manifest_is_no_backup(backup: Path, bucket: Bucket, tmp_path: Path) -> None:
    bucket.refused.add(f"PUT daily/{NAME}/manifest.json")
    with pytest.raises(Refused, match="AccessDenied"):
        s3.upload(backup)
    assert bucket.objects[f"daily/{NAME}/database.dump"] == b"rows" * 1000
    (tmp_path / "new").mkdir()
    with pytest.raises(Refused, match=r"it has no manifest\.json"):
        s3.download(f"s3://safe/daily/{NAME}", tmp_path / "new")


def test_file_outside_its_folder_is_not_written(bucket: Bucket, tmp_path: Path) -> None:
    bucket.objects = {f"daily/{NAME}/../../outside": b"x", f"daily/{NAME}/manifest.json": b"{}"}
    (tmp_path / "new").mkdir()
    fetched = s3.download(f"s3://safe/daily/{NAME}", tmp_path / "new")
    assert [file.name for file in fetched.iterdir()] == ["manifest.json"]
    assert not list(tmp_path.rglob("outside"))


def test_old_backups_leave_the_bucket_but_the_newest_complete_one_stays(bucket: Bucket) -> None:
    for day in ("20261021", "20261125", "20261129"):
        bucket.objects |= {
            f"daily/viberdash-{day}T030000Z/{name}": b"x" for name in ("a", "manifest.json")
        }
    half = "daily/viberdash-20261130T030000Z/a"
    bucket.objects |= {half: b"x", "daily/notes.txt": b"x", "other/viberdash-1/manifest.json": b"x"}
    assert s3.delete_old(NOW, 30, None) == ["viberdash-20261021T030000Z"]
    assert bucket.requests[-2:] == [
        "DELETE daily/viberdash-20261021T030000Z/manifest.json",
        "DELETE daily/viberdash-20261021T030000Z/a",
    ]
    assert s3.delete_old(NOW, 1, 1) == ["viberdash-20261125T030000Z"]
    assert sorted(bucket.objects) == [
        "daily/notes.txt",
        "daily/viberdash-20261129T030000Z/a",
        "daily/viberdash-20261129T030000Z/manifest.json",
        half,
        "other/viberdash-1/manifest.json",
    ]


def test_refusal_names_no_secret(backup: Path, bucket: Bucket, settings: Settings) -> None:
    settings.BACKUP_S3_ACCESS_KEY = "SOMEBODY"
    with pytest.raises(Refused) as refused:
        s3.upload(backup)
    assert "AccessDenied" in str(refused.value)
    assert SECRET not in str(refused.value)
    settings.BACKUP_S3_ACCESS_KEY = ""
    with pytest.raises(Refused, match="Set BACKUP_S3_ACCESS_KEY"):
        s3.download(f"s3://safe/daily/{NAME}", backup)
