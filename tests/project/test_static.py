"""The files of the browser, as they are served in production."""

import json
import re
from pathlib import Path

from tests import gathered


def test_static_files_refer_only_to_what_is_there() -> None:
    """Gathering gives every file a name with its hash, and stops at a reference that leads
    nowhere.
    """
    ended, folder = gathered.gather(), gathered.FOLDER
    assert (ended.returncode, ended.stderr) == (0, "")
    names = json.loads((folder / "staticfiles.json").read_text())["paths"]
    for path in (
        "vendor/tabler/tabler.min.css",
        "vendor/htmx/htmx.min.js",
        "css/site.css",
        "js/site.js",
    ):
        assert re.fullmatch(r".+\.[0-9a-f]{12}\.\w+", names[path])
        assert all((folder / f"{names[path]}{packed}").is_file() for packed in ("", ".gz", ".br"))
        assert not (folder / path).exists()  # nothing asks for it
    assert (
        f"../{names['vendor/inter/inter-latin.woff2']}"
        in (folder / names["css/site.css"]).read_text()
    )
    assert (
        f'"./{Path(names["js/merge.js"]).name}"' in (folder / names["js/composer.js"]).read_text()
    )
