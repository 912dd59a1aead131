"""`python -m tests.project.structure`: how the tree measures against its limits.

Prints each figure beside its limit, and exits with 1 if one is exceeded.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = ROOT / "campaigns"
TEMPLATES = ROOT / "templates"
LONG, TOO_LONG = 120, 200  # characters of a template's line
GENERATED = "migrations"


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value, its limit, and where the largest was found."""

    name: str
    value: float
    limit: float
    where: str = ""

    @property
    def fits(self) -> bool:
        return self.value <= self.limit

    def __str__(self) -> str:
        mark = "" if self.fits else "  EXCEEDED"
        return f"{self.name:<42}{self.value:>8g}  limit {self.limit:<5g} {self.where}{mark}"


def modules() -> list[Path]:
    """The Python files of the product, without packages' `__init__` and migrations."""
    return [
        path
        for path in sorted(CODE.rglob("*.py"))
        if path.name != "__init__.py" and GENERATED not in path.parts
    ]


def function_lengths() -> Iterator[tuple[int, str]]:
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                yield node.end_lineno - node.lineno + 1, f"{path.relative_to(ROOT)}:{node.name}"


def file_lengths() -> Iterator[tuple[int, str]]:
    for path in modules():
        yield len(path.read_text(encoding="utf-8").splitlines()), str(path.relative_to(ROOT))


def folder_sizes() -> Iterator[tuple[int, str]]:
    folders = [path.parent for path in modules()]
    for folder in sorted(set(folders)):
        yield folders.count(folder), str(folder.relative_to(ROOT))


def template_lines() -> Iterator[tuple[int, str]]:
    for path in sorted(TEMPLATES.rglob("*.html")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            yield len(line), f"{path.relative_to(ROOT)}:{number}"


def figures() -> list[Figure]:
    """All that is measured. Import cycles and contracts are import-linter's."""
    lines = list(template_lines())
    over = sum(length > LONG for length, _where in lines)
    return [
        Figure("modules in a folder", *largest(folder_sizes(), 14)),
        Figure("lines of a function", *largest(function_lengths(), 40)),
        Figure("lines of a file", *largest(file_lengths(), 450)),
        Figure("characters of a template's line", *largest(iter(lines), TOO_LONG)),
        Figure(f"per cent of template lines over {LONG}", round(100 * over / len(lines), 2), 2),
    ]


def largest(sizes: Iterator[tuple[int, str]], limit: float) -> tuple[float, float, str]:
    value, where = max(sizes)
    return value, limit, where


def main() -> int:
    measured = figures()
    print("\n".join(map(str, measured)))
    return 0 if all(figure.fits for figure in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
