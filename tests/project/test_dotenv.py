import socket
import stat
from pathlib import Path

import pytest
from django.conf import settings

from viberdash import dotenv

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
