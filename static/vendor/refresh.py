#!/usr/bin/env python3
"""Fetch the third-party files of the front end: `make vendor`.

Each package is fetched by its name and pinned version with `npm pack`, only the files that pages
use are kept, and of fonts the weights and features; references to source maps are cut (the manifest
of static files would look for them), and the icons that are named below become one SVG sprite.
Change a version or the list of icons here, run it, and commit what changed.
"""

import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

HERE = Path(__file__).resolve().parent

# folder: (package, version, licence, {file in the package: file here})
PACKAGES: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "tabler": (
        "@tabler/core",
        "1.6.1",
        "MIT",
        {"dist/css/tabler.min.css": "tabler.min.css"},
    ),
    "bootstrap": ("bootstrap", "5.3.9", "MIT", {"LICENSE": "LICENSE"}),
    "htmx": ("htmx.org", "4.0.1", "0BSD", {"dist/htmx.min.js": "htmx.min.js", "LICENSE": "LICENSE"}),
    "chart": ("chart.js", "4.6.1", "MIT", {"dist/chart.umd.min.js": "chart.umd.min.js", "LICENSE.md": "LICENSE"}),
    "cropper": (
        "cropperjs",
        "2.2.0",
        "MIT",
        {"dist/cropper.esm.min.js": "cropper.esm.min.js", "LICENSE": "LICENSE"},
    ),
    "emoji": ("emojibase-data", "17.0.0", "MIT", {"LICENSE": "LICENSE"}),
    "inter": (
        "@fontsource-variable/inter",
        "5.3.0",
        "OFL-1.1",
        {"LICENSE": "LICENSE"}
        | {
            f"files/inter-{script}-wght-normal.woff2": f"inter-{script}.woff2"
            for script in ("latin", "latin-ext", "cyrillic", "cyrillic-ext", "greek")
        },
    ),
    "swagger": (
        "swagger-ui-dist",
        "5.35.0",
        "Apache-2.0",
        {
            "swagger-ui-bundle.js": "swagger-ui-bundle.js",
            "swagger-ui.css": "swagger-ui.css",
            "LICENSE": "LICENSE",
            "NOTICE": "NOTICE",
        },
    ),
    "icons": ("@tabler/icons", "3.51.0", "MIT", {"LICENSE": "LICENSE"}),
}

NAMES = {"tabler": "Tabler", "bootstrap": "Bootstrap", "htmx": "htmx", "chart": "Chart.js", "cropper": "Cropper.js", "emoji": "Emojibase", "inter": "Inter", "swagger": "Swagger UI", "icons": "Tabler icons"}

ICONS = """
    activity alert-circle alert-triangle archive arrow-back-up arrow-left arrow-right ban bell bold bolt bookmark
    brand-viber building-bank calendar-event check checks chevron-down chevron-left chevron-right chevron-up
    circle-check circle-x clock cloud-upload code coin columns copy database device-mobile dots download edit eye
    file file-import file-spreadsheet file-text filter flag flask folder forbid hash history home hourglass
    info-circle italic key language layout-dashboard link list list-check loader lock login logout mail menu-2
    message messages minus mood-smile moon notes pencil phone photo player-pause player-play plug plus point printer
    question-mark receipt refresh rocket rotate search selector send settings shield-check strikethrough sun table
    tag tags target template test-pipe trash upload user user-circle user-minus user-off user-plus users wallet
    world writing x zoom-question
""".split()

WEIGHTS = (400, 700)  # site.css declares them
FONT_FEATURES = ["kern", "tnum", "calt", "ccmp", "locl", "mark", "mkmk"]

EMOJI_VERSION, COMPONENTS = 14, 2  # a version of 2021; the group of skin tones

MIT = """MIT License

{copyright}

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""
# Tabler's package holds no licence file; its banner names the licence, and Bootstrap's styles are
# built into its own.
TABLER_COPYRIGHT = """Copyright 2018-2026 The Tabler Authors
Copyright 2018-2026 codecalm.net Paweł Kuna

It contains Bootstrap (MIT), Copyright 2011-2025 The Bootstrap Authors."""

# Of the scripts of Tabler and Bootstrap pages use the menus alone, which are a third of them.
BUNDLED = ("@popperjs/core@2.11.8", "esbuild@0.28.2")
DROPDOWN = 'export { default as Dropdown } from "bootstrap/js/src/dropdown.js";'
DROPDOWN_BANNER = "/* Bootstrap {version} (MIT, The Bootstrap Authors): Dropdown, with Popper (MIT, Federico Zivolo) */"


def fetch(package: str, version: str, into: Path) -> Path:
    """The unpacked `package` below `into`."""
    subprocess.run(["npm", "pack", "--silent", f"{package}@{version}", "--pack-destination", into], check=True, stdout=-3)
    archive = next(into.glob("*.tgz"))
    with tarfile.open(archive) as tar:
        tar.extractall(into, filter="data")
    return into / "package"


def without_source_map(content: bytes) -> bytes:
    return re.sub(rb"\s*(/\*# sourceMappingURL=[^*]*\*/|//# sourceMappingURL=\S+)\s*$", b"\n", content)


def symbol(icons: Path, name: str) -> str:
    """One icon as a symbol of the sprite; what all have in common is said by the <svg> that uses
    it.
    """
    drawing = (icons / f"{name}.svg").read_text()
    shapes = re.findall(r"<(?:path|circle|rect|line)[^>]*/>", drawing)
    kept = "".join(shape for shape in shapes if 'stroke="none" d="M0 0h24v24H0z"' not in shape)
    return f'<symbol id="{name}" viewBox="0 0 24 24">{kept}</symbol>'


def shrink_font(font: Path) -> None:
    """Keep of a variable font the weights and the features that the pages use: two thirds of it."""
    instancer.instantiateVariableFont(TTFont(font), {"wght": WEIGHTS}).save(font)
    options = subset.Options(layout_features=FONT_FEATURES, flavor="woff2")
    kept = subset.load_font(font, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=kept.getBestCmap())
    subsetter.subset(kept)
    subset.save_font(kept, font, options)


def write_sprite(package: Path) -> None:
    symbols = "\n".join(symbol(package / "icons" / "outline", name) for name in sorted(set(ICONS)))
    (HERE / "icons" / "sprite.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg">\n{symbols}\n</svg>\n')


def write_emoji(package: Path) -> None:
    """[emoji, name, further words that find it] of those that phones of some years ago have, in the usual order."""
    every = json.loads((package / "en" / "data.json").read_text())
    kept = [each for each in every if each["version"] <= EMOJI_VERSION and "group" in each and each["group"] != COMPONENTS]
    rows = [[each["emoji"], each["label"], " ".join(each.get("tags", []))] for each in sorted(kept, key=lambda each: each["order"])]
    (HERE / "emoji" / "en.json").write_text(json.dumps(rows, ensure_ascii=False, separators=(",", ":")) + "\n")


def write_dropdown(version: str, scratch: Path) -> None:
    """Bootstrap's menus with what they need, as one script; `bootstrap` is global."""
    packages = [f"bootstrap@{version}", *BUNDLED]
    subprocess.run(["npm", "install", "--silent", "--no-save", "--prefix", scratch, *packages], check=True, stdout=-3)
    (scratch / "dropdown.js").write_text(DROPDOWN)
    target = HERE / "bootstrap" / "dropdown.min.js"
    options = ["--bundle", "--minify", "--format=iife", "--global-name=bootstrap", "--log-level=warning"]
    options += [f"--banner:js={DROPDOWN_BANNER.format(version=version)}", f"--outfile={target}"]
    subprocess.run([scratch / "node_modules/.bin/esbuild", "dropdown.js", *options], check=True, cwd=scratch)


def refresh(folder: str, package: str, version: str, files: dict[str, str]) -> None:
    (HERE / folder).mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        unpacked = fetch(package, version, Path(scratch))
        for source, target in files.items():
            content = (unpacked / source).read_bytes()
            binary = target.endswith(".woff2")
            (HERE / folder / target).write_bytes(content if binary else without_source_map(content))
        if folder == "inter":
            for font in (HERE / folder).glob("*.woff2"):
                shrink_font(font)
        if folder == "icons":
            write_sprite(unpacked)
        if folder == "emoji":
            write_emoji(unpacked)
        if folder == "bootstrap":
            write_dropdown(version, Path(scratch))
    if folder == "tabler":
        (HERE / folder / "LICENSE").write_text(MIT.format(copyright=TABLER_COPYRIGHT))


def main() -> None:
    versions = {}
    for folder, (package, version, licence, files) in PACKAGES.items():
        print(f"{package} {version}")  # noqa: T201
        refresh(folder, package, version, files)
        versions[folder] = {"name": NAMES[folder], "package": package, "version": version, "licence": licence}
    (HERE / "versions.json").write_text(json.dumps(versions, indent=2) + "\n")


if __name__ == "__main__":
    main()
