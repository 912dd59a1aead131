"""The files of the browser, as they are served in production."""

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
GATHER = (
    "import sys; from viberdash.environment import load_settings; load_settings();"
    "from django.conf import settings; settings.STATIC_ROOT = sys.argv[1];"
    "import django; django.setup(); from django.core.management import call_command;"
    "call_command('collectstatic', interactive=False, verbosity=0)"
)


def test_static_files_refer_only_to_what_is_there(tmp_path: Path) -> None:
    """Gathering gives every file a name with its hash, and stops at a reference that leads nowhere."""
    environment = {"ENV_FILE": os.devnull, "SECRET_KEY": "k3yQ-" * 12, "BSG_API_KEY": "test_abcdef", "DEBUG": "false"}
    ended = subprocess.run(
        [sys.executable, "-c", GATHER, str(tmp_path)],
        cwd=ROOT,
        env=environment | {"DATABASE_URL": f"sqlite:///{tmp_path}/none.sqlite3"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert list(tmp_path.glob("css/site.*.css.gz"))
    assert list(tmp_path.glob("css/site.*.css.br"))
