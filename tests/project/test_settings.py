"""Every variable: its default, what is refused, and the one line in which that is said."""

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from campaigns.team.models import Role
from viberdash import dotenv

ROOT = Path(settings.BASE_DIR)
KEY = "k3yQ-wRz7_pB" * 5
FERNET_KEY = dotenv.encryption_key()
REQUIRED = {"SECRET_KEY": KEY, "BSG_API_KEY": "test_abcdef"}
READS = re.compile(r'\b(?:read|_keep_days)\(\s*"([A-Z_]+)"')
Load = Callable[..., SimpleNamespace]
SOURCE = (ROOT / "viberdash" / "settings.py").read_text(encoding="utf-8")


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Settings as they are read where the environment says this and nothing else."""

    def load(**environment: str) -> SimpleNamespace:
        for name in [*READS.findall(SOURCE), "TEST_DATABASE_NAME"]:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("ENV_FILE", os.devnull)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        spec = importlib.util.spec_from_file_location(
            "settings_read_anew", ROOT / "viberdash" / "settings.py"
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return SimpleNamespace(
            **{name: value for name, value in vars(module).items() if name.isupper()}
        )

    return load


def test_links_have_a_host_that_pages_do_not_have(load: Load) -> None:
    site = REQUIRED | {"PUBLIC_BASE_URL": "https://viber.example.com"}
    result = load(**site, LINK_BASE_URL="https://GO.example.com/")
    assert (result.LINK_BASE_URL, result.LINK_HOST) == ("https://GO.example.com", "go.example.com")
    assert (load(**site).LINK_BASE_URL, load(**site).LINK_HOST) == ("", "")
    with pytest.raises(ImproperlyConfigured, match=r"LINK_BASE_URL.*on another host than"):
        load(**site, LINK_BASE_URL="http://viber.example.com:8443")


def test_settings_need_only_the_two_secrets(load: Load) -> None:
    result = load(**REQUIRED)
    assert (result.DEBUG, result.HTTPS_ONLY, result.BEHIND_PROXY) == (False, False, False)
    assert (result.HOST, result.PORT, result.WEB_WORKERS, result.WEB_THREADS) == (
        "127.0.0.1",
        8000,
        2,
        4,
    )
    assert result.BSG_API_URL == "https://api.bsg.world/rest"
    assert (result.SEND_CONNECTIONS, result.SEND_RATE, result.WORKERS) == (8, 0, 4)
    assert result.ALLOWED_HOSTS == ["localhost", "127.0.0.1", "[::1]"]
    assert result.DATABASES["default"]["NAME"] == str(ROOT / "var" / "viberdash.sqlite3")
    assert result.CACHES["default"]["BACKEND"].endswith("LocMemCache")


@pytest.mark.parametrize("name", REQUIRED)
def test_settings_stop_without_required_values(load: Load, name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=rf"^{name} is not set\. It must be "):
        load(**{other: value for other, value in REQUIRED.items() if other != name})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SECRET_KEY", "short", "at least 50 random characters, known to this installation alone"),
        (
            "SECRET_KEY",
            "$" + KEY,
            "at least 50 random characters, known to this installation alone",
        ),
        (
            "SECRET_KEY",
            '# python3 -c "import secrets; print(secrets.token_urlsafe(50))"',
            "without blanks and no example",
        ),
        ("SECRET_KEY", f"{KEY}…", "without blanks and no example"),
        ("SECRET_KEY", f"change-me-{KEY}", "without blanks and no example"),
        ("BSG_API_KEY", "live_…", "complete and without blanks"),
        ("BSG_API_KEY", "live_...", "complete and without blanks"),
        ("BSG_API_KEY", "live_<key>", "complete and without blanks"),
        ("BSG_API_KEY", "YOUR_API_KEY", "complete and without blanks"),
        ("BSG_API_KEY", "live_1a2b3c # of the account", "complete and without blanks"),
        ("BSG_API_KEY", "#live_1a2b3c", "complete and without blanks"),
        ("DEBUG", "perhaps", "true or false"),
        ("DEBUG", "", "true or false"),
        (
            "PUBLIC_BASE_URL",
            "viber.example.com",
            "an address that begins with http:// or https:// and has no path",
        ),
        ("PUBLIC_BASE_URL", "https://example.com/viber", "and has no path, or empty"),
        ("PUBLIC_BASE_URL", "https://", "an address that begins with http:// or https://"),
        ("LINK_BASE_URL", "https://go.example.com/x", "has no path, or empty"),
        ("ALLOWED_HOSTS", " , ", "host names, separated by commas"),
        ("HTTPS_ONLY", "2", "true or false"),
        ("BEHIND_PROXY", "nginx", "true or false"),
        ("SESSION_IDLE_MINUTES", "4", "a number of minutes from 5 to 1440"),
        ("SESSION_HOURS", "0", "a number of hours from 1 to 720"),
        ("REQUIRE_SECOND_FACTOR", "approvers", "true or false"),
        ("ALERT_EMAIL", "on-call", "e-mail addresses, separated by commas"),
        ("ALERT_WEBHOOK_URL", "hooks.example.com", "an address that begins with http:// or"),
        ("ALERT_WEBHOOK_SECRET", "whsec_c2hvcnQ=", "whsec_ and 24 to 64 random bytes in base64"),
        ("ALERT_WEBHOOK_SECRET", "whsec_not base64", "whsec_ and 24 to 64 random bytes"),
        ("BACKUP_S3_URL", "https://s3.example.com/backups", "such as s3://backups/viberdash"),
        ("SENTRY_DSN", "https://sentry.example.com/1", "the DSN of a project in Sentry"),
        ("SENTRY_DSN", "https://key@sentry.example.com/", "the DSN of a project in Sentry"),
        ("ALERT_AFTER_MINUTES", "1441", "a number of minutes from 0 to 1440"),
        ("BALANCE_ALERT", "50", "amounts by currency, such as EUR:50,USD:20"),
        ("BALANCE_ALERT", "EUR:-5", "amounts by currency"),
        ("BALANCE_ALERT", "EURO:5", "amounts by currency"),
        ("DRIFT_ALERT", "EUR:1.00000001", "amounts by currency"),
        ("BACKUP_ALERT_HOURS", "-1", "a number of hours from 1 to 8760, or 0"),
        ("DISK_ALERT_PERCENT", "51", "a number of percent from 0 to 50"),
        ("FRESH_MINUTES", "0", "a number of minutes from 1 to 1440"),
        ("OIDC_ISSUER", "http://login.example.com", "the https:// address of an OpenID Connect"),
        ("OIDC_ISSUER", "https://login.example.com/?a=1", "exactly as it names itself, or empty"),
        ("OIDC_GROUPS", "marketing", "group=role, separated by commas"),
        ("OIDC_GROUPS", "marketing=boss", "viewer, marketer, approver, administrator"),
        ("OIDC_ONLY", "true", "true needs OIDC_ISSUER and BREAK_GLASS_USER"),
        ("AUDIT_KEEP_DAYS", "29", "a number of days from 30 to 36500, or 0 to keep all"),
        (
            "AUDIT_SYSLOG",
            "http://logs.example.com",
            "udp://host:514, tcp://host:514 or unix:/dev/log",
        ),
        ("AUDIT_SYSLOG", "tcp://", "udp://host:514, tcp://host:514 or unix:/dev/log"),
        ("AUDIT_SYSLOG", "unix:dev/log", "udp://host:514, tcp://host:514 or unix:/dev/log"),
        ("PROXY_COUNT", "11", "a number of proxies from 0 to 10"),
        ("HOST", "", "the address the web server listens at, such as 127.0.0.1"),
        ("PORT", "http", "a port from 1 to 65535"),
        ("PORT", "0", "a port from 1 to 65535"),
        ("PORT", "65536", "a port from 1 to 65535"),
        ("WEB_WORKERS", "0", "a number of web server processes from 1 to 64"),
        ("WEB_THREADS", "65", "a number of threads in each from 1 to 64"),
        ("BSG_API_URL", "api.bsg.world/rest", "an address that begins with http:// or https://"),
        (
            "BSG_API_URL",
            "http://127.0.0.1:port/rest",
            "an address that begins with http:// or https://",
        ),
        ("BSG_API_KEY", " ", "the API key of the BSG account (live_… or test_…)"),
        ("SEND_CONNECTIONS", "65", "a number of connections from 1 to 64"),
        ("SEND_CONNECTIONS", "many", "a number of connections from 1 to 64"),
        (
            "EMAIL_URL",
            "mail.example.com",
            "smtp+tls://user:password@host:587, or consolemail:// for the log",
        ),
        (
            "EMAIL_URL",
            "https://mail.example.com",
            "smtp+tls://user:password@host:587, or consolemail:// for the log",
        ),
        ("EMAIL_FROM", "ViberDash", "an e-mail address"),
        ("SEND_RATE", "-1", "recipients a second over all workers, 0 for no limit"),
        ("SEND_RATE", "12.5", "recipients a second over all workers, 0 for no limit"),
        ("DEFAULT_COUNTRY", "Ukraine", "two letters of a country, such as UA"),
        ("DEFAULT_COUNTRY", "ZZ", "two letters of a country, such as UA"),
        ("MISSED_SCHEDULE_MINUTES", "0", "a number of minutes from 1 to 10080"),
        ("RECONCILE_QUARANTINE", "3601", "a number of seconds from 0 to 3600"),
        ("WORKER_NAME", "", "a name that no other worker machine has"),
        ("DATABASE_URL", "", "sqlite:///file or postgres://user:password@host/name"),
        (
            "DATABASE_URL",
            "mysql://localhost/viberdash",
            "sqlite:///file or postgres://user:password@host/name",
        ),
        (
            "DATABASE_URL",
            "postgres://localhost",
            "sqlite:///file or postgres://user:password@host/name",
        ),
        (
            "DATABASE_URL",
            "postgres://u:p@localhost:port/name",
            "sqlite:///file or postgres://user:password@host/name",
        ),
        (
            "DATABASE_URL",
            "sqlite://:memory:",
            "sqlite:///file or postgres://user:password@host/name",
        ),
        (
            "DATABASE_URL",
            "postgres://u:a@b/c@localhost/name",
            "special characters of the password are percent-encoded (@ is %40, / is %2F)",
        ),
        ("REDIS_URL", "127.0.0.1:6379", "redis://host:port/number, or empty for none"),
        ("WORKERS", "0", "a number of worker processes from 1 to 64"),
        ("TIME_ZONE", "Kyiv time", "a zone's name, such as Europe/Kyiv"),
        ("TIME_ZONE", "", "a zone's name, such as Europe/Kyiv"),
        ("TIME_ZONE", "../../etc/passwd", "a zone's name, such as Europe/Kyiv"),
        ("MEDIA_ROOT", "", "a folder for pictures, public"),
        ("UPLOAD_ROOT", " ", "a folder for contact files, private"),
        ("LOG_LEVEL", "LOUD", "DEBUG, INFO, WARNING or ERROR"),
        ("ALLOW_INSECURE", "HOST,PORT", "names of settings, separated by commas, out of SECRET_"),
    ],
)
def test_settings_stop_at_malformed_values(
    load: Load, name: str, value: str, expected: str
) -> None:
    with pytest.raises(ImproperlyConfigured) as stop:
        load(**(REQUIRED | {name: value}))
    assert str(stop.value).startswith(f"{name} is not valid. It must be ")
    assert expected in str(stop.value)
    assert KEY not in str(stop.value)  # a secret may be what is malformed


def test_single_sign_on_needs_the_client_and_knows_the_roles(load: Load) -> None:
    issuer = {"OIDC_ISSUER": "https://login.example.com/realms/a/"}
    with pytest.raises(ImproperlyConfigured, match=r"^OIDC_CLIENT_ID is not set"):
        load(**REQUIRED, **issuer)
    client = {"OIDC_CLIENT_ID": "viberdash", "OIDC_CLIENT_SECRET": "a-client-secret"}
    with pytest.raises(ImproperlyConfigured, match=r"^OIDC_CLIENT_SECRET is not valid"):
        load(**REQUIRED, **issuer, **(client | {"OIDC_CLIENT_SECRET": " "}))
    more = {"OIDC_GROUPS": "a=b=viewer, it = administrator", "BREAK_GLASS_USER": "glass"}
    result = load(**REQUIRED, **issuer, **client, **more, OIDC_ONLY="true")
    assert issuer["OIDC_ISSUER"] == result.OIDC_ISSUER  # exactly
    assert result.OIDC_GROUPS == {"a=b": "viewer", "it": "administrator"}
    assert tuple(Role.values) == result.ROLES
    assert "a-client-secret" in result.LOGGING["formatters"]["line"]["secrets"]


def test_settings_accept_valid_values(load: Load) -> None:
    result = load(
        **REQUIRED,
        PUBLIC_BASE_URL="https://viber.example.com/",
        DATABASE_URL="postgres://viber:p%40ss@db.example.com:5433/viberdash?sslmode=require",
        REDIS_URL="redis://cache.example.com:6379/2",
        TIME_ZONE="Europe/Kyiv",
        DEFAULT_COUNTRY="ro",
        SECRET_KEY_FALLBACKS="one, two",
        LOG_LEVEL="warning",
        UPLOAD_ROOT="var/elsewhere",
        WORKERS="6",
    )
    assert result.ALLOWED_HOSTS == ["localhost", "127.0.0.1", "[::1]", "viber.example.com"]
    assert result.CSRF_TRUSTED_ORIGINS == ["https://viber.example.com"]
    assert result.HTTPS_ONLY
    assert result.SESSION_COOKIE_SECURE
    assert result.SECURE_PROXY_SSL_HEADER == ("HTTP_X_FORWARDED_PROTO", "https")
    database = result.DATABASES["default"]
    assert (database["PASSWORD"], database["PORT"], database["OPTIONS"]["sslmode"]) == (
        "p@ss",
        5433,
        "require",
    )
    assert "-c idle_in_transaction_session_timeout=30s" in database["OPTIONS"]["options"]
    assert result.CACHES["default"]["LOCATION"] == "redis://cache.example.com:6379/2"
    assert (result.SITE_ZONE.key, result.DEFAULT_COUNTRY, result.LOG_LEVEL) == (
        "Europe/Kyiv",
        "RO",
        "WARNING",
    )
    assert result.SECRET_KEY_FALLBACKS == ["one", "two"]
    assert result.UPLOAD_ROOT == ROOT / "var" / "elsewhere"
    assert result.Q_CLUSTER["workers"] == result.Q_CLUSTER["queue_limit"] == 6
    assert result.Q_CLUSTER["retry"] >= 3 * (result.Q_CLUSTER["timeout"] + 3)


DANGERS = [
    ("SECRET_KEY", "it can be guessed", {"SECRET_KEY": "benchmark" * 8}),
    ("SECRET_KEY", "it can be guessed", {"SECRET_KEY": f"django-insecure-{KEY}"}),
    (
        "DEBUG",
        "errors show code and settings to everybody, and messages cost money",
        {"DEBUG": "true", "BSG_API_KEY": "live_1"},
    ),
    ("ALLOWED_HOSTS", "with * a forged request", {"ALLOWED_HOSTS": "viber.example.com, *"}),
    ("HOST", "other machines reach this site without HTTPS", {"HOST": "0.0.0.0"}),
    ("HOST", "other machines reach this site without HTTPS", {"HOST": "[::]"}),
    (
        "HOST",
        "other machines reach this site without HTTPS",
        {"HOST": "10.0.0.7", "PUBLIC_BASE_URL": "http://viber.example.com"},
    ),
    ("BSG_API_URL", "with http:// the API key", {"BSG_API_URL": "http://api.bsg.world/rest"}),
    ("BSG_API_URL", "with http:// the API key", {"BSG_API_URL": "HTTP://10.0.0.7/rest"}),
    ("EMAIL_URL", "without TLS e-mails", {"EMAIL_URL": "smtp://u:p@mail.example.com:25"}),
]


@pytest.mark.parametrize(("name", "danger", "environment"), DANGERS)
def test_a_dangerous_setting_stops_the_start_unless_it_is_allowed(
    load: Load, name: str, danger: str, environment: dict[str, str]
) -> None:
    others = ",".join({"HOST", "EMAIL_URL", "DEBUG"} - {name})
    for allowed in ({}, {"ALLOW_INSECURE": others}):
        with pytest.raises(ImproperlyConfigured) as stop:
            load(**(REQUIRED | environment | allowed))
        assert str(stop.value).startswith(f"{name} is not safe: {danger}")
        assert str(stop.value).endswith(f" Change it, or add {name} to ALLOW_INSECURE.")
        assert "\n" not in str(stop.value)
    result = load(**(REQUIRED | environment | {"ALLOW_INSECURE": f"{name},{others}"}))
    assert [name] == result.INSECURE_SETTINGS  # nothing is wrong with the others


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"DEBUG": "true"},  # with a test key nothing is sent
        {
            "DEBUG": "true",
            "BSG_API_KEY": "live_1",
            "BSG_API_URL": "http://127.0.0.1:8090/rest",
            "SECRET_KEY": "short",
        },
        {"BSG_API_URL": "http://localhost:8090/rest"},
        {"BSG_API_URL": "http://[::1]:8090/rest"},
        {"HOST": "127.0.0.2"},
        {"HOST": "[::1]"},
        {"HOST": "0.0.0.0", "PUBLIC_BASE_URL": "https://viber.example.com"},
        {"HOST": "0.0.0.0", "BEHIND_PROXY": "true"},
        {"EMAIL_URL": "smtp://localhost:25"},
        {"EMAIL_URL": "smtp+tls://u:p@mail.example.com:587"},
        {"EMAIL_URL": "smtp+ssl://u:p@mail.example.com:465"},
        {"ALLOWED_HOSTS": ".example.com"},
    ],
)
def test_a_safe_setting_needs_no_permission(load: Load, environment: dict[str, str]) -> None:
    assert load(**(REQUIRED | environment)).INSECURE_SETTINGS == []


def test_the_settings_that_make_run_writes_are_safe(load: Load) -> None:
    """`make run` stays two commands."""
    example = dotenv.filled((ROOT / ".env.example").read_text(encoding="utf-8"))
    variables = dict(re.findall(r"^([A-Z_]+)=(.*)$", example, re.MULTILINE))
    names = ["BSG_API_KEY", "BSG_API_URL", "KEY_ENCRYPTION_KEYS", "SECRET_KEY"]
    assert sorted(variables) == names
    assert load(**variables).INSECURE_SETTINGS == []


def test_alerts_as_they_are_set(load: Load) -> None:
    result = load(
        **REQUIRED,
        ALERT_EMAIL="a@example.com, b@example.com",
        BALANCE_ALERT="eur:50, USD:20.5",
        BACKUP_ALERT_HOURS="0",
        ALERT_WEBHOOK_SECRET="whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
    )
    assert result.ALERT_EMAIL == ["a@example.com", "b@example.com"]
    assert {"EUR": Decimal(50), "USD": Decimal("20.5")} == result.BALANCE_ALERT
    assert result.BACKUP_ALERT_HOURS == 0
    assert result.ALERT_WEBHOOK_SECRET.startswith("whsec_")
    assert load(**REQUIRED).BACKUP_ALERT_HOURS is None


def test_mail_goes_where_the_address_says(load: Load) -> None:
    result = load(
        **REQUIRED,
        EMAIL_URL="smtp+tls://viber:p%40ss@mail.example.com:587",
        EMAIL_FROM="viber@example.com",
    )
    server = (
        result.EMAIL_HOST,
        result.EMAIL_PORT,
        result.EMAIL_HOST_USER,
        result.EMAIL_HOST_PASSWORD,
    )
    assert server == ("mail.example.com", 587, "viber", "p@ss")
    assert (result.EMAIL_USE_TLS, result.EMAIL_USE_SSL, result.EMAIL_BACKEND) == (
        True, False, "django.core.mail.backends.smtp.EmailBackend"
    )  # fmt: skip
    assert "p@ss" in result.LOGGING["formatters"]["line"]["secrets"]
    usual = load(**REQUIRED)
    assert usual.EMAIL_BACKEND == "django.core.mail.backends.console.EmailBackend"
    assert usual.DEFAULT_FROM_EMAIL == "viberdash@localhost"


def test_relative_database_is_the_same_file_in_every_folder(
    load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    result = load(**REQUIRED, DATABASE_URL="sqlite:///var/other.sqlite3")
    assert result.DATABASES["default"]["NAME"] == str(ROOT / "var" / "other.sqlite3")


def test_example_explains_every_variable() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    of_a_brand = {"BSG_API_KEY_SHOP", "BSG_API_URL_SHOP"}
    explained = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    assert explained - of_a_brand == set(READS.findall(SOURCE))
    assert of_a_brand < explained


def test_brands_have_keys_and_addresses_of_their_own(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = load(
        **REQUIRED, BSG_API_KEY_SHOP=" live_of_shop ", BSG_API_KEY_TOYS="",
        BSG_API_URL_SHOP="https://api.example.org/rest/", KEY_ENCRYPTION_KEYS=FERNET_KEY,
    )  # fmt: skip
    assert result.BRAND_API_KEYS == {"SHOP": "live_of_shop"}
    assert result.BRAND_API_URLS == {"SHOP": "https://api.example.org/rest"}
    assert result.KEY_ENCRYPTION_KEYS == [FERNET_KEY]
    for name in ("BSG_API_KEY_SHOP", "BSG_API_KEY_TOYS", "BSG_API_URL_SHOP"):
        monkeypatch.delenv(name)
    for name, value in (
        ("BSG_API_KEY_SHOP", "live_…"),
        ("BSG_API_URL_SHOP", "ftp://api.example.org"),
        ("BSG_API_URL_SHOP", "http://10.0.0.7/rest"),
        ("KEY_ENCRYPTION_KEYS", f"{FERNET_KEY},short"),
    ):
        with pytest.raises(ImproperlyConfigured, match=name.removesuffix("_SHOP")):
            load(**REQUIRED, **{name: value})
        monkeypatch.delenv(name)


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    base = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull}
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=base | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "command",
    [
        ("manage.py", "migrate"),
        ("-m", "gunicorn", "--config", "viberdash/gunicorn.py", "viberdash.wsgi"),
        ("-c", "import viberdash.wsgi"),
    ],
)
def test_start_stops_with_one_line(command: tuple[str, ...]) -> None:
    ended = run(*command, **REQUIRED | {"WORKERS": "none"})
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert (
        ended.stderr
        == "ViberDash can't start: WORKERS is not valid. It must be a number of worker processes"
        " from 1 to 64.\n"
    )


def test_start_stops_with_one_line_at_a_dangerous_setting() -> None:
    ended = run("manage.py", "check", **REQUIRED | {"HOST": "0.0.0.0"})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "ViberDash can't start: HOST is not safe: other machines reach this site without HTTPS, so"
        " passwords can be read on the way. Change it, or add HOST to ALLOW_INSECURE.\n"
    )


def test_check_deploy_is_clean_in_production(tmp_path: Path) -> None:
    ended = run(
        *("manage.py", "check", "--deploy", "--fail-level", "WARNING"),
        **REQUIRED,
        PUBLIC_BASE_URL="https://viber.example.com",
        DATABASE_URL=f"sqlite:///{tmp_path}/production.sqlite3",
    )
    assert (ended.returncode, ended.stdout.strip()) == (
        0,
        "System check identified no issues (0 silenced).",
    )
    assert ended.stderr == ""
