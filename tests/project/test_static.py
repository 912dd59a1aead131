"""The files of the browser, as they are served in production."""

import json
import os
import re
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
    """Gathering gives every file a name with its hash, and stops at a reference that leads
    nowhere.
    """
    environment = {
        "ENV_FILE": os.devnull,
        "SECRET_KEY": "k3yQ-wRz7_pB" * 5,
        "BSG_API_KEY": "test_abcdef",
        "DEBUG": "false",
    }
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
    names = json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
    for path in (
        "vendor/tabler/tabler.min.css",
        "vendor/htmx/htmx.min.js",
        "css/site.css",
        "js/site.js",
    ):
        assert re.fullmatch(r".+\.[0-9a-f]{12}\.\w+", names[path])
        assert all((tmp_path / f"{names[path]}{packed}").is_file() for packed in ("", ".gz", ".br"))
        assert not (tmp_path / path).exists()  # nothing asks for it
    assert (
        f"../{names['vendor/inter/inter-latin.woff2']}"
        in (tmp_path / names["css/site.css"]).read_text()
    )
    assert (
        f'"./{Path(names["js/merge.js"]).name}"' in (tmp_path / names["js/composer.js"]).read_text()
    )
