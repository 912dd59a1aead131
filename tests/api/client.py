"""A client of the API as a program would have one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from campaigns.team.tokens.models import ApiToken


def picture() -> bytes:
    """A PNG that the library takes."""
    file = BytesIO()
    Image.new("RGB", (100, 100), "teal").save(file, "PNG")
    return file.getvalue()


@dataclass
class ApiClient:
    """Sends requests with a token; addresses are those below /api/v1/."""

    client: Client
    token: ApiToken
    text: str

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The response. `headers`: with underscores for dashes."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        content = b"" if body is None else json.dumps(body).encode()
        return self.client.generic(
            method,
            f"/api/v1/{path}",
            content,
            "" if body is None else "application/json",
            headers={"Authorization": f"Bearer {self.text}"} | names,
        )

    def upload(
        self, path: str, file: tuple[str, bytes], values: Mapping[str, Any], **headers: str
    ) -> Any:
        """The response to a form with a file: its name and its content."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(
            f"/api/v1/{path}",
            {"file": SimpleUploadedFile(*file), **values},
            headers={"Authorization": f"Bearer {self.text}"} | names,
        )

    def put(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("PUT", path, body, **headers)

    def get(self, path: str, **headers: str) -> Any:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("POST", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.send("DELETE", path, **headers)
