"""The look for known vulnerabilities: what is asked, what is said, and what fails."""

import json

import pytest

from tests.file_server import FileServer, reply
from tests.project import audit


def answered(server: FileServer, **advisories: list[str]) -> str:
    """The address of a database with these advisories, by package."""
    vulns = [
        {"vulns": [{"id": one} for one in advisories[name]]} if name in advisories else {}
        for name, _version in audit.pins()
    ]
    server.pages["/"] = lambda request: reply(request, 200, json.dumps({"results": vulns}).encode())
    return f"http://127.0.0.1:{server.port}/"


def test_every_pin_is_asked_about(
    file_server: FileServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.main(answered(file_server)) == 0
    asked = json.loads(file_server.bodies[0])["queries"]
    names = {query["package"]["name"]: query["version"] for query in asked}
    assert names["django"].startswith("5.2.")
    assert names["pyjwt"]  # which is pinned with an extra
    text = audit.PINS.read_text(encoding="utf-8")
    assert len(asked) == sum(line[:1].isalnum() for line in text.splitlines())
    assert f"No known vulnerabilities in {len(asked)} packages." in capsys.readouterr().out


def test_a_known_vulnerability_fails(
    file_server: FileServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.main(answered(file_server, pillow=["GHSA-1", "PYSEC-2"])) == 1
    said = capsys.readouterr().out
    assert said.startswith("pillow==")
    assert "https://osv.dev/GHSA-1, https://osv.dev/PYSEC-2" in said


@pytest.mark.parametrize("answer", [(503, b""), (200, b"<html>"), (200, b'{"results": []}')])
def test_without_an_answer_it_is_skipped_loudly(
    file_server: FileServer, capsys: pytest.CaptureFixture[str], answer: tuple[int, bytes]
) -> None:
    file_server.pages["/"] = lambda request: reply(request, *answer)
    assert audit.main(f"http://127.0.0.1:{file_server.port}/") == 0
    assert capsys.readouterr().out.startswith("!!! SKIPPED: http://127.0.0.1")
    assert audit.main("http://127.0.0.1:9/") == 0
    assert "ConnectionError" in capsys.readouterr().out
