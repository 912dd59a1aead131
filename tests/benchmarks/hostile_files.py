"""Files that somebody made to do harm, through a web server of its own: what it says, how long it
takes, and memory.

`measure(folder)` starts gunicorn as an installation does, on SQLite, and uploads each. Files that
the web server leaves to a worker are opened, checked and imported by a process of their own:
`python -m tests.benchmarks.hostile_files PK`.
"""

import io
import json
import random
import re
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import requests

from tests.benchmarks.bench_reports_flood import free_port, prepare, server
from tests.benchmarks.memory import high_water

ROOT = Path(__file__).resolve().parent.parent.parent
# limits: growth of the web server, peak of a worker, time until the answer
WEB_MB, WORKER_MB, SECONDS = 50, 512, 10
MB = 1 << 20
ROW = b'<row><c t="inlineStr"><is><t>380501112233</t></is></c></row>'


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def workbook(rows: bytes, before: bytes = b"", **others: bytes) -> bytes:
    """An XLSX file whose sheet has these `rows` as XML; `before` stands in front of it."""
    plain = io.BytesIO()
    openpyxl.Workbook().save(plain)
    with zipfile.ZipFile(plain) as old:
        members = {name: old.read(name) for name in old.namelist()}
    namespace = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    members["xl/worksheets/sheet1.xml"] = (
        b"%s<worksheet %s><sheetData>%s</sheetData></worksheet>"
        % (
            before,
            namespace,
            rows,
        )
    )
    return zipped(members | others)


def noise(size: int) -> bytes:
    """Bytes that no archive makes smaller: with them, what else is in it may inflate the more."""
    return random.Random(1).randbytes(size)


def laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    cell = b'<row r="1"><c r="A1" t="inlineStr"><is><t>&l9;</t></is></c></row>'
    return workbook(cell, f'<!DOCTYPE x [<!ENTITY l0 "lol">{entities}]>'.encode())


FILES: dict[str, Callable[[], bytes]] = {
    "bomb.zip, 1 GB of zeros": lambda: zipped({"people.csv": bytes(1024 * MB)}),
    "padded.zip, 900 MB of zeros below the ratio": lambda: zipped(
        {"a.csv": bytes(900 * MB), ".b": noise(5 * MB)}
    ),
    "inflates.xlsx, 200 MB of spaces": lambda: workbook(b" " * (200 * MB)),
    "padded.xlsx, 12,000,000 rows below the ratio": lambda: workbook(
        ROW * 12_000_000, **{"a.bin": noise(5 * MB)}
    ),
    "laughs.xlsx, a billion of them": laughs,
    "columns.csv, 10,000 columns": lambda: (
        (",".join(["380501112233"] * 10_000) + "\n").encode() * 200
    ),
    "cell.csv, a cell of 100 MB": lambda: (
        b'phone,name\n380501112233,"' + b"x" * (100 * MB) + b'"\n'
    ),
    "line.csv, 400 MB without an end of line": lambda: b"x" * (400 * MB),
    "nul.csv, 100 MB of NUL bytes": lambda: b"phone\n380501112233\n" + bytes(100 * MB),
    "wide.csv, 300 MB in rows of 100,000 characters": lambda: (
        (b"380501112233," + b"x" * 100_000 + b"\n") * 3_000
    ),
    "formula.csv": lambda: b'phone,name\n380501112233,"=HYPERLINK(""http://x"")"\n',
    "broken.zip": lambda: zipped({"people.csv": b"phone\n380501112233\n" * 9})[:-40],
    "picture.csv": lambda: b"\x89PNG\r\n\x1a\n" + noise(1 * MB),
}


class Peak:
    """The most memory that the processes of a web server have taken since it began, in MB."""

    def __init__(self, parent: int) -> None:
        self.processes = (
            Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
        )
        for process in self.processes:
            Path(f"/proc/{process}/clear_refs").write_text("5", encoding="ascii")
        self.before = self._most()

    def _most(self) -> float:
        return sum(map(high_water, self.processes))

    def growth(self) -> float:
        return self._most() - self.before


def upload(url: str, cookie: str, name: str, content: bytes) -> tuple[str, str]:
    """What the page says to the file: the words of its refusal, or the number of the import that
    waits for a worker.
    """
    session = requests.Session()
    session.trust_env = False
    session.cookies.set("sessionid", cookie)
    page = f"{url}/contacts/import"
    session.get(page, timeout=60)
    sent = session.post(
        page,
        {"country": "UA", "name": name, "csrfmiddlewaretoken": session.cookies["csrftoken"]},
        files={"file": (name, content)},
        headers={"Referer": page},
        timeout=600,
        allow_redirects=False,
    )
    if sent.status_code == 302:
        return "", sent.headers["Location"].strip("/").rpartition("/")[2]
    refused = re.search(r'id="error_1_id_file">([^<]+)<', sent.text)
    return refused[1] if refused else f"status {sent.status_code}", ""


def work(import_id: int) -> None:
    """What a worker does with an upload, as far as it comes: prints the words of the refusal and
    the peak in MB.
    """
    import django

    django.setup()
    from campaigns.contacts.importing import dry_run, lifecycle, runner
    from campaigns.contacts.importing.column_mapping import ColumnMapping
    from campaigns.contacts.importing.reading.cell_values import CellRules
    from campaigns.contacts.models import Import, ImportState

    lifecycle.open_file(import_id)
    opened = Import.objects.get(pk=import_id)
    if opened.state == ImportState.UPLOADED:
        lifecycle.choose_columns(import_id, ColumnMapping([0], {}), "UA", "update", CellRules())
        lifecycle.start_check(import_id)
        dry_run.run(import_id)
        lifecycle.start(import_id, None)
        runner.run(import_id)
        opened.refresh_from_db()
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    expected_text = opened.failure or f"imported, {opened.rows} rows, {opened.rejected} rejected"
    print(json.dumps([expected_text, high_water("self"), child]))


def measure(folder: Path, environment: dict[str, str], say: Callable[..., None]) -> None:
    """Upload each file; `say` gets what was seen, and the limits."""
    port = free_port()
    environment = environment | {
        "DATABASE_URL": f"sqlite:///{folder}/hostile.sqlite3", "UPLOAD_ROOT": f"{folder}/uploads",
        "PORT": str(port), "STATE_FILE": f"{folder}/state.json", "HOST": "127.0.0.1",
        "WEB_WORKERS": "1", "DEBUG": "true", "BSG_API_URL": "http://127.0.0.1:9/rest",
        "PUBLIC_BASE_URL": "http://localhost",
    }  # fmt: skip
    cookie, _path = prepare(environment)
    command = ("-m", "gunicorn", "--config", "viberdash/gunicorn.py", "viberdash.wsgi")
    most, hungriest, slowest = 0.0, 0.0, 0.0
    with server(*command, environment=environment, port=port) as web:
        # what every request needs
        upload(f"http://localhost:{port}", cookie, "first.csv", b"phone\n380501112233\n")
        for name, content in FILES.items():
            peak, made = Peak(web), content()
            start = time.perf_counter()
            expected_text, waits = upload(
                f"http://localhost:{port}", cookie, name.partition(",")[0], made
            )
            del made
            worker = ""
            if waits:
                worker_command = (sys.executable, "-m", "tests.benchmarks.hostile_files", waits)
                done = subprocess.run(
                    worker_command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True
                )
                expected_text, own, child = json.loads(done.stdout)
                hungriest = max(hungriest, own, child)
                worker = f" (worker {own:.0f} MB, its child {child:.0f} MB)"
            seconds = time.perf_counter() - start
            most, slowest = max(most, peak.growth()), max(slowest, seconds)
            say(f"hostile: {name}", f"{seconds:.1f} s", f"web +{peak.growth():.0f} MB")
            print(f"    {expected_text}{worker}", flush=True)
    say("hostile: the web server grew by at most", f"{most:.0f} MB", f"of {WEB_MB} MB")
    say(
        "hostile: the most memory of a process that imports",
        f"{hungriest:.0f} MB",
        f"of {WORKER_MB} MB",
    )
    say("hostile: the longest until the answer", f"{slowest:.0f} s", f"of {SECONDS} s")


if __name__ == "__main__":
    work(int(sys.argv[1]))
