"""A passkey in software, which answers as a browser would."""

from typing import Any

from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import sha256, websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

from campaigns.models import User

HOST, ORIGIN = "localhost", "http://localhost"
FLAGS = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV


class Passkey:
    def __init__(self, user: User, host: str = HOST, origin: str = ORIGIN) -> None:
        self.user_handle = websafe_encode(user_pk_to_url_str(user).encode())
        self.host, self.origin = host, origin
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = sha256(self.user_handle.encode())[:16]
        self.count = 0

    def register(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to what navigator.credentials.create is asked."""
        public = self.key.public_key()
        public_key = ES256.from_cryptography_key(public)  # type: ignore[no-untyped-call]
        credential = AttestedCredentialData.create(Aaguid.NONE, self.id, public_key)
        flags = FLAGS | AuthenticatorData.FLAG.AT
        data = AuthenticatorData.create(sha256(self.host.encode()), flags, 0, bytes(credential))
        attestation = AttestationObject.create("none", data, {})
        return self._answer(
            {
                "clientDataJSON": websafe_encode(self._client_data("webauthn.create", options)),
                "attestationObject": websafe_encode(bytes(attestation)),
            }
        )

    def sign(
        self, options: dict[str, Any], flags: AuthenticatorData.FLAG = FLAGS
    ) -> dict[str, Any]:
        """The answer to what navigator.credentials.get is asked."""
        self.count += 1
        client_data = self._client_data("webauthn.get", options)
        data = AuthenticatorData.create(sha256(self.host.encode()), flags, self.count)
        signature = self.key.sign(bytes(data) + sha256(client_data), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": websafe_encode(client_data),
                "authenticatorData": websafe_encode(bytes(data)),
                "signature": websafe_encode(signature),
                "userHandle": self.user_handle,
            }
        )

    def _client_data(self, type: str, options: dict[str, Any]) -> bytes:  # noqa: A002
        challenge = options["publicKey"]["challenge"]
        return bytes(CollectedClientData.create(type, challenge, self.origin))

    def _answer(self, response: dict[str, str]) -> dict[str, Any]:
        name = websafe_encode(self.id)
        return {
            "id": name, "rawId": name, "type": "public-key", "response": response,
            "clientExtensionResults": {"credProps": {"rk": True}},
        }  # fmt: skip


def make_passkey(user: User, name: str = "Phone", **more: Any) -> Passkey:
    """A passkey that `user` has added."""
    passkey = Passkey(user)
    credential = passkey.register({"publicKey": {"challenge": websafe_encode(b"any")}})
    Authenticator.objects.create(
        user=user, type="webauthn", data={"name": name, "credential": credential}, **more
    )
    return passkey
