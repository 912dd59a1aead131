"""Encryption of the files of a backup with age or gpg, for BACKUP_RECIPIENT."""

from pathlib import Path

from viberdash.backups import tools

AGE_RECIPIENTS = ("age1", "ssh-ed25519 ", "ssh-rsa ")


def tool(recipient: str) -> str:
    """The program that encrypts for a recipient."""
    return "age" if recipient.startswith(AGE_RECIPIENTS) else "gpg"


def encrypt(file: Path, recipient: str) -> Path:
    """Put the encrypted file in the place of `file`. Raises Refused."""
    program = tool(recipient)
    target = file.with_name(f"{file.name}.{program}")
    if program == "age":
        tools.run(["age", "--encrypt", "-r", recipient, "-o", str(target), str(file)])
    else:
        usual = ["gpg", "--batch", "--no-auto-key-locate", "--trust-model", "always", "--encrypt"]
        tools.run([*usual, "--recipient", recipient, "--output", str(target), str(file)])
    file.unlink()
    return target


def decrypt(file: Path, folder: Path, identity: str) -> Path:
    """The decrypted copy of `file` in `folder`; `file` itself if it is not encrypted.

    `identity`: the file with age's secret key; gpg has its own. Raises Refused.
    """
    target = folder / file.stem
    if file.suffix == ".age":
        key = ["-i", identity] if identity else []
        tools.run(["age", "--decrypt", *key, "-o", str(target), str(file)])
    elif file.suffix == ".gpg":
        tools.run(["gpg", "--batch", "--decrypt", "--output", str(target), str(file)])
    else:
        return file
    return target
