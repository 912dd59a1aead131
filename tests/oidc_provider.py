"""A small OpenID Connect provider: discovery, authorize, token and keys, on 127.0.0.1."""

import json
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

CLIENT, SECRET = "viberdash", "secret-of-the-client"


@cache
def keys() -> tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey]:
    """The provider's own and another one, made once."""
    own, other = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    return own, other


class OidcProvider:
    """`claims` are those of the user who signs in; tests change what it answers."""

    def __init__(self, address: str) -> None:
        self.issuer = address
        self.key, self.other_key = keys()
        self.claims: dict[str, Any] = {"sub": "248289761001"}
        self.discovery: dict[str, Any] = {}
        self.signs_with: Any = self.key
        self.token_answer: dict[str, Any] = {}
        self.algorithm = "RS256"
        self.codes: dict[str, dict[str, str]] = {}
        self.token_requests: list[dict[str, str]] = []

    def description(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/nowhere",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        } | self.discovery

    def keys(self) -> dict[str, Any]:
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [public | {"kid": "first", "use": "sig", "alg": "RS256"}]}

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser of a user who agrees is sent."""
        code = secrets.token_hex(8)
        self.codes[code] = query
        answer = urlencode({"code": code, "state": query["state"]})
        return f"{query['redirect_uri']}?{answer}"

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.token_requests.append(form)
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or not self._proves(asked, form.get("code_verifier", "")):
            return 400, {"error": "invalid_grant"}
        answer = {"access_token": "x", "token_type": "Bearer", "id_token": self.id_token(asked)}
        return 200, answer | self.token_answer

    def _proves(self, asked: dict[str, str], verifier: str) -> bool:
        digest = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
        return asked.get("code_challenge_method") == "S256" and asked["code_challenge"] == digest

    def id_token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        usual = {
            "iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "auth_time": now,
            "nonce": asked.get("nonce"),
        }  # fmt: skip
        claims = {name: value for name, value in (usual | self.claims).items() if value is not None}
        return jwt.encode(claims, self.signs_with, self.algorithm, headers={"kid": "first"})


class Handler(BaseHTTPRequestHandler):
    provider: OidcProvider

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/.well-known/openid-configuration":
            self._answer(200, self.provider.description())
        elif url.path == "/keys":
            self._answer(200, self.provider.keys())
        elif url.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", self.provider.authorize(_flat(url.query)))
            self.end_headers()
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        form = _flat(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._answer(*self.provider.token(form))

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


@pytest.fixture
def oidc_provider() -> Iterator[OidcProvider]:
    handler = type("OwnHandler", (Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    handler.provider = OidcProvider(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield handler.provider  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()
