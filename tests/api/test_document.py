"""The OpenAPI document is the one that is committed, and says of each operation what it needs."""

import json
import os
import re
from collections import Counter
from pathlib import Path

from campaigns.api.access import Needs
from campaigns.api.v1 import api, openapi

COMMITTED = Path("docs/openapi.json")
METHODS = ("get", "post", "put", "patch", "delete")


def test_the_committed_document_is_the_present_one() -> None:
    """WRITE_OPENAPI=1 writes it anew, to be read before it is committed."""
    text = json.dumps(openapi(), indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("WRITE_OPENAPI"):
        COMMITTED.write_text(text, encoding="utf-8")
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == json.loads(text)


def test_each_operation_names_its_permission() -> None:
    for router in api._get_bound_routers():
        for path, view in router.path_operations.items():
            for operation in view.operations:
                kinds = [type(auth) for auth in operation.auth_callbacks]
                assert kinds == [Needs], path


def test_writes_can_be_repeated_and_errors_are_described() -> None:
    for path, operations in openapi()["paths"].items():
        for method, operation in operations.items():
            assert method in METHODS
            assert "default" in operation["responses"], path
            assert operation["description"].strip(), path
            headers = {row["name"] for row in operation["parameters"] if row["in"] == "header"}
            assert ("Idempotency-Key" in headers) == (method != "get"), path


def test_no_two_schemas_have_one_name() -> None:
    """The document would have one of them only."""
    text = "".join(path.read_text(encoding="utf-8") for path in Path("campaigns/api").rglob("*.py"))
    names = Counter(re.findall(r"^class (\w+)\(", text, re.MULTILINE))
    assert [name for name, count in names.items() if count > 1] == []
