"""The static files as an installation serves them. To gather and compress them takes ten seconds of
the processor, so they stay in .pytest_cache until one of them changes.
"""

import os
import subprocess
import sys

from tests.migrated import ROOT, alone

FOLDER = ROOT / ".pytest_cache" / "gathered"
# by which they are made; of the files themselves `prepare` has the fingerprint
CODE = (
    "requirements.txt", "viberdash/settings.py", "viberdash/static_files.py",
    "campaigns/management/commands/prepare.py",
)  # fmt: skip
GATHER = """
import hashlib, pathlib, shutil, sys
from viberdash.environment import load_settings
load_settings()
import django
django.setup()
from django.conf import settings
from campaigns.management.commands import prepare
root, *code = map(pathlib.Path, sys.argv[1:])
settings.STATIC_ROOT = root
made_by = hashlib.sha256(b"".join(path.read_bytes() for path in code)).hexdigest()
now = (made_by, prepare.fingerprint())
stamps = (root.with_suffix(".made_by"), root / ".gathered")
if not all(stamp.exists() for stamp in stamps) or now != tuple(map(pathlib.Path.read_text, stamps)):
    shutil.rmtree(root, ignore_errors=True)
    prepare.collect_static()
    stamps[0].write_text(made_by)
"""


def gather() -> "subprocess.CompletedProcess[str]":
    """Gather them in FOLDER, in a process with the settings of production."""
    environment = {
        "ENV_FILE": os.devnull, "DEBUG": "false", "SECRET_KEY": "k3yQ-wRz7_pB" * 5,
        "BSG_API_KEY": "test_abcdef", "DATABASE_URL": f"sqlite:///{FOLDER.parent}/none.sqlite3",
    }  # fmt: skip
    with alone("gathered"):
        return subprocess.run(
            [sys.executable, "-c", GATHER, str(FOLDER), *CODE],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
