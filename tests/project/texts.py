"""Every text that the product shows: `python -m tests.project.texts` prints them, to be read."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext"}
LITERAL = re.compile(r"""(?:translate|_\() ?("[^"]*"|'[^']*')""")
BLOCK = re.compile(r"{% blocktranslate[^%]*%}(.*?){% endblocktranslate %}", re.DOTALL)


def texts() -> Iterator[tuple[str, str]]:
    """(file and line, text) of all translatable strings of the code and of the templates."""
    for path in sorted((ROOT / "campaigns").rglob("*.py")):
        if "migrations" not in path.parts:
            yield from _of_code(path)
    for path in sorted((ROOT / "templates").rglob("*.html")):
        yield from _of_template(path)


def _of_code(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        for argument in node.args if node.func.id in FUNCTIONS else ():
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", argument.value


def _of_template(path: Path) -> Iterator[tuple[str, str]]:
    source = path.read_text(encoding="utf-8")
    for match in BLOCK.finditer(source):
        for text in match[1].split("{% plural %}"):
            yield _place(path, source, match.start()), " ".join(text.split())
    for match in LITERAL.finditer(source):
        yield _place(path, source, match.start()), match[1][1:-1]


def _place(path: Path, source: str, offset: int) -> str:
    return f"{path.relative_to(ROOT)}:{source.count(chr(10), 0, offset) + 1}"


if __name__ == "__main__":
    for place, text in texts():
        print(f"{place:<75} {text}")
