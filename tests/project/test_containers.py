"""Dockerfile, compose.yaml and deploy/steps: they agree with the Procfile, the settings and each
other, and give a container no more than it needs.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings

from tests.project import verify_install

ROOT = Path(settings.BASE_DIR)
STEPS = (ROOT / "deploy" / "steps").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROCESSES = {"web", "worker", "sweep"}
OURS = {"secrets", "prepare", *PROCESSES}


def compose(name: str = "compose.yaml") -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    return content


def procfile() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines if not line.startswith("#"))


def steps() -> set[str]:
    """The functions of the script that can be asked for."""
    [listed] = re.findall(r"^    ([a-z |]+)\) \"\$step\" ;;$", STEPS, re.MULTILINE)
    return set(listed.split(" | "))


def test_dockerfile_is_clean() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    said = subprocess.run(
        [str(hadolint), str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout) == (0, "")


def test_image_is_made_by_the_steps_that_verify_install_runs() -> None:
    called = re.findall(
        r"deploy/steps ([a-z ]+)", "\n".join(re.findall("^RUN .*", DOCKERFILE, re.MULTILINE))
    )
    assert " ".join(called).split() == ["packages", "user", "python", "compile"]
    page = verify_install.PAGE.read_text(encoding="utf-8")
    inside = verify_install.INSIDE.read_text(encoding="utf-8")
    tried = verify_install.commands(page, "## Install") + inside
    asked = " ".join(re.findall(r"deploy/steps ([a-z ]+)", tried)).split()
    assert {*" ".join(called).split(), "prepare", "rehearse"} <= set(asked)
    assert set(asked) <= steps()


def test_image_runs_as_a_user_without_privileges_and_says_whether_it_is_healthy() -> None:
    user = re.search(r"USER_ID=(\d+) deploy/steps packages user", DOCKERFILE)
    assert user is not None
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == [f"{user[1]}:{user[1]}"]
    assert "\nHEALTHCHECK " in DOCKERFILE
    assert f"127.0.0.1:{settings.PORT}/healthz" in DOCKERFILE
    assert re.findall(r"^ENTRYPOINT (.*)$", DOCKERFILE, re.MULTILINE) == ['["deploy/steps"]']
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    assert not {"!.env", "!var", "!.git"} & set(ignored)
    kept = {line[1:] for line in ignored if line.startswith("!")}
    assert {"campaigns", "deploy", "manage.py", "Procfile", "static", "templates"} <= kept


def test_every_process_of_the_procfile_has_its_container() -> None:
    services = compose()["services"]
    assert {
        name for name, service in services.items() if service.get("image") == "viberdash"
    } == OURS
    assert procfile().keys() - {"sandbox"} == PROCESSES
    for name in OURS:
        assert services[name]["command"] == [name]
        assert name in steps() | procfile().keys()
    sandbox = compose("compose.sandbox.yaml")["services"]
    assert sandbox.keys() == {"sandbox", "prepare", *PROCESSES}
    words = procfile()["sandbox"].split()
    assert sandbox["sandbox"]["entrypoint"][:3] == words[1:4]


def test_containers_can_write_their_volumes_alone() -> None:
    services = compose()["services"]
    for name, service in services.items():
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("read_only") or name == "database", name
        assert service.get("cap_drop") == ["ALL"] or name == "database", name
    assert {name for name, service in services.items() if "ports" in service} == {"proxy"}
    assert services["database"]["networks"] == services["cache"]["networks"] == ["inside"]
    assert compose()["networks"]["inside"] == {"internal": True}
    for name in OURS - {"secrets"}:
        assert "secrets:/srv/viberdash/secrets:ro" in services[name]["volumes"]
    named = {
        volume.split(":")[0]
        for service in services.values()
        for volume in service.get("volumes", ())
        if not volume.startswith(".")
    }
    assert named == compose()["volumes"].keys()


def test_everything_waits_for_what_it_needs() -> None:
    needs = {
        name: {other: how["condition"] for other, how in service.get("depends_on", {}).items()}
        for name, service in compose()["services"].items()
    }
    ready, healthy = "service_completed_successfully", "service_healthy"
    assert needs == {
        "secrets": {},
        "database": {"secrets": ready},
        "cache": {},
        "prepare": {"database": healthy, "cache": healthy},
        **{key: {"prepare": ready} for key in PROCESSES},
        "proxy": {"web": healthy},
    }


def test_variables_are_settings_and_lead_to_the_right_places() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    known = set(re.findall(r"^#?([A-Z0-9_]+)=", example, re.MULTILINE)) | {"ENV_FILE"}
    services = compose()["services"]
    for name in OURS:
        assert services[name]["environment"].keys() <= known
    environment = services["web"]["environment"]
    assert environment["REDIS_URL"] == "redis://cache:6379/0"
    assert f"@database:5432/{services['database']['environment']['POSTGRES_DB']}" in STEPS
    assert f"postgres://{services['database']['environment']['POSTGRES_USER']}:" in STEPS
    assert "BSG_API_KEY:?" in environment["BSG_API_KEY"]
    caddy = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    assert "\n{$PUBLIC_BASE_URL} {$LINK_BASE_URL} {\n" in caddy
    assert f"reverse_proxy web:{environment['PORT']} " in caddy


def test_secrets_are_made_once_and_are_private(tmp_path: Path) -> None:
    secrets = tmp_path
    run = [str(ROOT / "deploy" / "steps"), "secrets"]
    env = {"PATH": "/usr/bin:/bin", "SECRETS": str(secrets)}
    subprocess.run(run, env=env, check=True)
    text = (secrets / "env").read_text(encoding="utf-8")
    password = (secrets / "database-password").read_text(encoding="utf-8")
    assert re.fullmatch(
        rf"SECRET_KEY=[\w-]{{67}}\nDATABASE_URL=postgres://viberdash:{password}@database:5432/viberdash\n",
        text,
    )
    assert len(password) == 32
    assert {oct(file.stat().st_mode & 0o777) for file in secrets.iterdir()} == {"0o600"}
    subprocess.run(run, env=env, check=True)
    assert (secrets / "env").read_text(encoding="utf-8") == text


def test_an_unknown_step_is_named() -> None:
    said = subprocess.run(
        [str(ROOT / "deploy" / "steps"), "nonsense"],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stderr) == (
        2, "deploy/steps: no step or process is named nonsense.\n",
    )  # fmt: skip
