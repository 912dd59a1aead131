import io
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from viberdash import dotenv
from viberdash.insecure import is_encryption_key

ROOT = Path(settings.BASE_DIR)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".env.example").write_text(
        (ROOT / ".env.example").read_text(encoding="utf-8"), encoding="utf-8"
    )
    return tmp_path


def variables(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if "=" in line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_env_file_has_a_secret_of_its_own_and_the_sandbox(folder: Path) -> None:
    assert dotenv.write(folder)
    result = variables((folder / ".env").read_text(encoding="utf-8"))
    assert len(result["SECRET_KEY"]) == 67
    assert result["BSG_API_URL"].startswith("http://127.0.0.1:80")
    # with a test_… key nothing would come of a send, there either
    assert result["BSG_API_KEY"] == "live_sandbox"
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
    assert dotenv.filled("\nSECRET_KEY=\n") != dotenv.filled("\nSECRET_KEY=\n")


def test_env_file_that_is_there_stays(folder: Path) -> None:
    (folder / ".env").write_text("SECRET_KEY=mine\n")
    assert not dotenv.write(folder)
    assert (folder / ".env").read_text() == "SECRET_KEY=mine\n"


def test_sandbox_port_is_a_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert not dotenv.is_free(taken.getsockname()[1])
    assert dotenv.is_free(dotenv.sandbox_port())


ANSWERS = {
    "PUBLIC_BASE_URL": "https://viber.example.org",
    "DATABASE_URL": "postgres://viberdash:p%40ss@127.0.0.1:5432/viberdash",
    "REDIS_URL": "",
    "TIME_ZONE": "Europe/Kyiv",
    "BSG_API_KEY": "live_1a2b3c4d",
}


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What stands on stdin, a line for each question, while the environment says nothing."""

    def typed(**answers: str) -> None:
        for name in (*dotenv.QUESTIONS, "BSG_API_URL", "SECRET_KEY", "DEBUG", "ENV_FILE"):
            monkeypatch.delenv(name, raising=False)
        lines = (ANSWERS | answers).values()
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))

    return typed


def test_production_file_has_what_was_answered_and_is_private(
    folder: Path, typed: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed()
    before = os.umask(0)
    try:
        dotenv.write_production(folder)
    finally:
        os.umask(before)
    result = variables((folder / ".env").read_text(encoding="utf-8"))
    assert len(result.pop("SECRET_KEY")) == 67
    assert is_encryption_key(result.pop("KEY_ENCRYPTION_KEYS"))
    given = {name: value for name, value in ANSWERS.items() if value}
    assert result == given | {"BSG_API_URL": "https://api.bsg.world/rest"}
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
    assert sorted(path.name for path in folder.iterdir()) == [".env", ".env.example"]
    typed()
    written = (folder / ".env").read_bytes()
    with pytest.raises(SystemExit, match=r"^There is an \.env already\."):
        dotenv.write_production(folder)
    assert (folder / ".env").read_bytes() == written
    (folder / ".env").unlink()
    typed(BSG_API_KEY="")
    monkeypatch.setenv("BSG_API_KEY", "live_of_the_environment")
    dotenv.write_production(folder)
    assert "\nBSG_API_KEY=live_of_the_environment\n" in (folder / ".env").read_text()


def test_production_file_is_not_written_with_what_the_settings_refuse(
    folder: Path, typed: Callable[..., None]
) -> None:
    for name, value in (
        ("BSG_API_KEY", "live_…"),
        ("BSG_API_KEY", ""),
        ("PUBLIC_BASE_URL", "viber.example.org"),
        ("DATABASE_URL", "postgres://viberdash:a@b/c@127.0.0.1/viberdash"),
    ):
        typed(**{name: value})
        with pytest.raises(SystemExit) as refused:
            dotenv.write_production(folder)
        said = str(refused.value)
        assert said.startswith(f"Nothing was written. ViberDash can't start: {name} is not ")
        assert "\n" not in said
        assert [path.name for path in folder.iterdir()] == [".env.example"]
