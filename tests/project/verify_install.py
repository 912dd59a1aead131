"""`make verify-install`: from nothing to a sent rehearsal, in a fresh Debian of debootstrap.

Runs the commands of docs/production.md as they stand there, which are those of deploy/steps that
the Dockerfile calls, and then the processes with the commands of the systemd units: as the user of
the installation, on a root that is mounted read-only, in a network of their own without a way out.
Linux, root and debootstrap; the suites in SUITES, by default both that the page names. Exits with 1
where a step fails.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "production.md"
INSIDE = Path(__file__).with_name("verify_install.sh")
SUITES = ("bookworm", "trixie")
USUAL_MIRROR = "http://deb.debian.org/debian"
# what a network with a mirror or a proxy of its own needs, and pip and apt understand
KEPT = ("PIP_INDEX_URL", "http_proxy", "https_proxy", "no_proxy")
CERTIFICATES = "PIP_CERT"
# headings of the page -> the first block of commands below each
PARTS = {
    "install": "## Install",
    "database": "### Database",
    "settings": "### Settings",
    "prepare": "### Tables, static files, the first administrator",
    "systemd": "## systemd",
}


def commands(page: str, heading: str) -> str:
    """The first block that is indented by four below `heading`. ValueError without one."""
    _before, _heading, below = page.partition(f"\n{heading}\n")
    if not (block := re.search(r"(?:^ {4}.*\n)+", below, re.MULTILINE)):
        raise ValueError(f"No commands below {heading}")
    return re.sub(r"^ {4}", "", block[0], flags=re.MULTILINE)


def nginx_example(page: str) -> str:
    block = re.search(r"With nginx:\n\n((?:^(?: {4}.*)?\n)+)", page, re.MULTILINE)
    if not block:
        raise ValueError("No example for nginx")
    return re.sub(r"^ {4}", "", block[1], flags=re.MULTILINE)


def mirror() -> str:
    """The Debian mirror of this machine's apt, else the usual one."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    found = re.search(r"^(\S+?)/? (?:bookworm|trixie)$", listed, re.MULTILINE)
    return found[1] if found else USUAL_MIRROR


def environment(root: Path) -> dict[str, str]:
    """The variables of the new machine. Certificates that pip has to trust are copied there."""
    env = {name: os.environ[name] for name in KEPT if name in os.environ}
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    if certificates := os.environ.get(CERTIFICATES):
        shutil.copyfile(certificates, root / "etc" / "certificates.pem")
        env[CERTIFICATES] = "/etc/certificates.pem"
    return env | {"PATH": path, "HOME": "/root", "LC_ALL": "C.UTF-8"}


def place_parts(root: Path) -> None:
    """The committed tree as a repository, and the commands of the page, where the script reads."""
    folder = root / "verify"
    folder.mkdir()
    subprocess.run(["git", "clone", "-q", "--bare", str(ROOT), str(folder / "source")], check=True)
    page = PAGE.read_text(encoding="utf-8")
    for name, heading in PARTS.items():
        text = commands(page, heading).replace("ADDRESS-OF-THIS-REPOSITORY", "/verify/source")
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "nginx.conf").write_text(nginx_example(page), encoding="utf-8")
    shutil.copyfile(INSIDE, folder / "run.sh")


def verify(suite: str) -> bool:
    """Whether all steps work on a new machine with this suite."""
    print(f"== {suite}: a fresh Debian", flush=True)
    with tempfile.TemporaryDirectory(prefix="viberdash-install-") as folder:
        root = Path(folder) / "root"
        subprocess.run(
            ["debootstrap", "--variant=minbase", suite, str(root), mirror()],
            stdout=subprocess.DEVNULL,
            check=True,
        )
        shutil.copyfile("/etc/resolv.conf", root / "etc" / "resolv.conf")
        place_parts(root)
        alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation=private"]
        script = (
            'mount --bind "$1" "$1"; mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev";'
            ' mount -t tmpfs run "$1/run"; exec chroot "$1" sh /verify/run.sh'
        )
        ended = subprocess.run(
            [*alone, "sh", "-ec", script, "sh", str(root)],
            env=environment(root),
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # without a terminal, passwords are read from stdin
            check=False,
        )
    print(f"== {suite}: {'it works' if not ended.returncode else 'FAILED'}", flush=True)
    return not ended.returncode


def main() -> int:
    if sys.platform != "linux" or os.geteuid() or not shutil.which("debootstrap"):
        sys.exit("A fresh Debian needs Linux, root and debootstrap (apt install debootstrap).")
    suites = os.environ.get("SUITES", " ".join(SUITES)).split()
    failed = [suite for suite in suites if not verify(suite)]
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
