"""Typed reads of the environment, each explained in `.env.example`.

A missing or malformed variable stops the start with its name and what it should be.
"""

import math
import os
import socket
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
from csp.constants import NONE, SELF

from viberdash import environment, insecure, logs
from viberdash.environment import as_address, as_bool, as_list, as_path, between, read

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_ROOT = BASE_DIR / "var"
ENV_FILE: Path = environment.read_file(BASE_DIR / ".env")

# Site
DEBUG: bool = read("DEBUG", "true or false", False, as_bool)
SECRET_KEY: str = read(
    "SECRET_KEY",
    "at least 50 random characters, known to this installation alone, without blanks and no"
    " example",
    fits=lambda key: (DEBUG or len(key) >= 50) and insecure.is_secret(key),
)
SECRET_KEY_FALLBACKS: list[str] = read(
    "SECRET_KEY_FALLBACKS", "earlier keys, separated by commas", [], as_list
)
PUBLIC_BASE_URL: str = read(
    "PUBLIC_BASE_URL",
    "an address that begins with http:// or https:// and has no path, or empty",
    "",
    as_address,
    environment.is_site,
)
PUBLIC_HOST = environment.split(PUBLIC_BASE_URL).hostname or ""
LINK_BASE_URL: str = read(
    "LINK_BASE_URL",
    "an address of links alone, on another host than PUBLIC_BASE_URL, that begins with http:// or"
    " https:// and has no path, or empty",
    "",
    as_address,
    lambda value: (
        environment.is_site(value)
        and (not value or environment.split(value).hostname != PUBLIC_HOST)
    ),
)
# clicks that the database does not have yet
CLICK_ROOT = DATA_ROOT / "clicks"
LINK_HOST = environment.split(LINK_BASE_URL).hostname or ""
CSRF_TRUSTED_ORIGINS = [PUBLIC_BASE_URL] if PUBLIC_BASE_URL else []
ALLOWED_HOSTS: list[str] = read(
    "ALLOWED_HOSTS",
    "host names, separated by commas",
    ["localhost", "127.0.0.1", "[::1]", *filter(None, [PUBLIC_HOST])],
    as_list,
    bool,
)
HOST: str = read(
    "HOST", "the address the web server listens at, such as 127.0.0.1", "127.0.0.1", fits=bool
)
PORT: int = read("PORT", "a port from 1 to 65535", 8000, int, between(1, 65535))
WEB_WORKERS: int = read(
    "WEB_WORKERS", "a number of web server processes from 1 to 64", 2, int, between(1, 64)
)
WEB_THREADS: int = read(
    "WEB_THREADS", "a number of threads in each from 1 to 64", 4, int, between(1, 64)
)
HTTPS_ONLY: bool = read(
    "HTTPS_ONLY", "true or false", PUBLIC_BASE_URL.startswith("https://"), as_bool
)
BEHIND_PROXY: bool = read("BEHIND_PROXY", "true or false", HTTPS_ONLY, as_bool)
PROXY_COUNT: int = read(
    "PROXY_COUNT", "a number of proxies from 0 to 10", int(BEHIND_PROXY), int, between(0, 10)
)

# The gateway
BSG_API_URL: str = read(
    "BSG_API_URL",
    "an address that begins with http:// or https://",
    "https://api.bsg.world/rest",
    as_address,
    environment.is_web_address,
)
BSG_API_KEY: str = read(
    "BSG_API_KEY",
    "the API key of the BSG account (live_… or test_…), complete and without blanks",
    cast=str.strip,
    fits=insecure.is_api_key,
)
# What brands have of their own, by what follows the prefix: BSG_API_KEY_SHOP is of the brand "shop"
BRAND_API_KEYS: dict[str, str] = environment.read_each(
    "BSG_API_KEY_",
    "the API key of a brand (live_… or test_…), complete and without blanks",
    str.strip,
    insecure.is_api_key,
)
BRAND_API_URLS: dict[str, str] = environment.read_each(
    "BSG_API_URL_",
    "an address that begins with http:// or https://",
    as_address,
    environment.is_web_address,
)
KEY_ENCRYPTION_KEYS: list[str] = read(
    "KEY_ENCRYPTION_KEYS",
    "keys of Fernet (44 characters each), separated by commas, the first of which encrypts",
    [],
    as_list,
    insecure.are_encryption_keys,
)
SEND_CONNECTIONS: int = read(
    "SEND_CONNECTIONS", "a number of connections from 1 to 64", 8, int, between(1, 64)
)
SEND_RATE: int = read(
    "SEND_RATE",
    "recipients a second over all workers, 0 for no limit",
    0,
    int,
    between(0, 1_000_000),
)
STATUS_RATE: int = read(
    "STATUS_RATE",
    "status calls a second over all workers, 0 for no limit",
    1000,
    int,
    between(0, 1_000_000),
)
DEFAULT_COUNTRY: str = read(
    "DEFAULT_COUNTRY",
    "two letters of a country, such as UA",
    "UA",
    str.upper,
    environment.one_of(phonenumbers.SUPPORTED_REGIONS),
)
MISSED_SCHEDULE_MINUTES: int = read(
    "MISSED_SCHEDULE_MINUTES", "a number of minutes from 1 to 10080", 60, int, between(1, 10_080)
)
SIGN_UP_WORK_BITS: int = read(
    "SIGN_UP_WORK_BITS", "a number of bits from 8 to 24", 16, int, between(8, 24)
)
IMPORT_UNDO_DAYS: int = read(
    "IMPORT_UNDO_DAYS", "a number of days from 1 to 365", 30, int, between(1, 365)
)
TEST_MESSAGES_PER_DAY: int = read(
    "TEST_MESSAGES_PER_DAY", "a number of messages from 1 to 100000", 50, int, between(1, 100_000)
)
RECONCILE_QUARANTINE: int = read(
    "RECONCILE_QUARANTINE", "a number of seconds from 0 to 3600", 30, int, between(0, 3600)
)
INTERNAL_HOSTS: list[str] = read(
    "INTERNAL_HOSTS",
    "host names, separated by commas",
    [],
    lambda text: [host.lower() for host in as_list(text)],
)
WEBHOOK_INTERNAL_TARGETS: list[str] = read(
    "WEBHOOK_INTERNAL_TARGETS",
    "host names, IP addresses and networks such as 10.1.0.0/16, separated by commas",
    [],
    lambda text: [entry.lower() for entry in as_list(text)],
    lambda entries: all(environment.is_host_or_network(entry) for entry in entries),
)
WORKER_NAME: str = read(
    "WORKER_NAME", "a name that no other worker machine has", socket.gethostname(), fits=bool
)

ALLOW_INSECURE: list[str] = read(
    "ALLOW_INSECURE",
    f"names of settings, separated by commas, out of {', '.join(insecure.DANGERS)}",
    [],
    as_list,
    lambda names: set(names) <= set(insecure.DANGERS),
)

# Database, cache, queue
DATABASE_EXPECTED = (
    "sqlite:///file or postgres://user:password@host/name, in which special characters of the"
    " password are percent-encoded (@ is %40, / is %2F)"
)
DATABASE: dict[str, Any] = read(
    "DATABASE_URL",
    DATABASE_EXPECTED,
    environment.database(f"sqlite:///{DATA_ROOT}/viberdash.sqlite3"),
    environment.database,
)
SQLITE: bool = DATABASE["ENGINE"] == "django.db.backends.sqlite3"
if SQLITE:
    # a relative one is the same file for every process
    DATABASE["NAME"] = str(BASE_DIR / DATABASE["NAME"])
    Path(DATABASE["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    # IMMEDIATE, or a transaction that reads first and writes later fails under load instead of
    # waiting its turn.
    DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        " PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY;"
        # 32 MB: pages that a freeze changes again and again are copied less often
        " PRAGMA wal_autocheckpoint=8000;",
    }
else:
    # A machine whose network is gone would hold its locks until the system gives the connection up,
    # after hours. And what is asked here is never so large that compiling it would pay.
    session = "-c jit=off -c idle_in_transaction_session_timeout=30s -c tcp_user_timeout=30s"
    session += " -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=4"
    alive = {
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 4,
        "tcp_user_timeout": 30_000,
    }
    DATABASE |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    DATABASE["OPTIONS"] = (
        {"connect_timeout": 10, "options": session} | alive | DATABASE.get("OPTIONS", {})
    )
if test_name := os.environ.get("TEST_DATABASE_NAME", ""):
    DATABASE["TEST"] = {"NAME": test_name}
DATABASES = {"default": DATABASE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL: str = read(
    "REDIS_URL",
    "redis://host:port/number, or empty for none",
    "",
    str.strip,
    lambda address: not address or address.startswith(("redis://", "rediss://", "unix://")),
)
CACHES: dict[str, Any] = {
    "default": {
        "BACKEND": "viberdash.redis_cache.AbsentRedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"serializer": "viberdash.json_cache.JsonSerializer"},
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
CACHES["default"]["KEY_PREFIX"] = "viberdash"

WORKERS: int = read("WORKERS", "a number of worker processes from 1 to 64", 4, int, between(1, 64))
SEND_PROCESSES: int = read(
    "SEND_PROCESSES", "a number of processes from 1 to 64", 2, int, between(1, 64)
)
TASK_TIMEOUT = 120  # seconds; every task ends by itself long before
# A task's lease runs while it waits in a worker's memory too; a shorter `retry` would run tasks
# twice.
TASK_RETRY = (math.ceil(WORKERS / WORKERS) + 2) * (TASK_TIMEOUT + 3)
Q_CLUSTER: dict[str, Any] = {
    "name": "viberdash",
    "label": "Queue",
    "orm": "default",
    "broker_class": "campaigns.shared.queue.TaskBroker",
    "cached": 1,  # seconds; the broker keeps no results at all
    "save_limit": -1,  # nor are those kept that the version before queued without it
    "workers": WORKERS,
    "queue_limit": WORKERS,
    "bulk": 1,
    "timeout": TASK_TIMEOUT,
    "retry": TASK_RETRY,
    "max_attempts": 3,
    "ack_failures": True,
    "catch_up": False,
    "poll": 0.2,
    "recycle": 100_000,
    "has_replica": False,
}

INSTALLED_APPS = [
    "django_q",  # first: campaigns takes its pages out of the admin
    "campaigns",
    "viberdash",  # the commands backup and restore
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "crispy_forms",
    "crispy_bootstrap5",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "csp",
]
MIDDLEWARE = [
    "viberdash.observation.request_context.RequestContext",
    "viberdash.observation.request_metrics.RequestMetrics",
    "viberdash.compression.CompressTexts",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "campaigns.api.middleware.ApiRequests",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "campaigns.team.pages.brands.middleware.BrandAddress",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "campaigns.team.pages.composed_forms.ComposedForms",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "campaigns.team.pages.audit.middleware.AuditOrigin",
    "allauth.account.middleware.AccountMiddleware",
    "campaigns.team.pages.brands.middleware.ActForBrand",
    "campaigns.team.pages.middleware.SessionLimits",
    "campaigns.team.pages.middleware.PrivateResponses",
    "campaigns.team.pages.body_limits.BodyLimitCookie",
    "campaigns.team.pages.middleware.SignInRequired",
    "campaigns.team.pages.middleware.ReaderTimeZone",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "viberdash.urls"
WSGI_APPLICATION = "viberdash.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "campaigns.team.pages.navigation.navigation",
            ],
        },
    },
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# People
AUTH_USER_MODEL = "campaigns.User"
AUTHENTICATION_BACKENDS = ["campaigns.team.sign_in.backend.PasswordBackend"]
LOGIN_URL = LOGOUT_REDIRECT_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard"
PASSWORD_RESET_TIMEOUT = 24 * 3600  # seconds; of links to choose a password
ACCOUNT_ADAPTER = "campaigns.team.sign_in.adapter.Adapter"
ACCOUNT_EMAIL_VERIFICATION = "none"  # an administrator wrote the address
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "campaigns.team.sign_in.links.LinkTokens"  # noqa: S105
ACCOUNT_RATE_LIMITS = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_FORMS = {
    "login": "campaigns.team.pages.sign_in.forms.SignInForm",
    "reauthenticate": "campaigns.team.pages.sign_in.forms.ConfirmPasswordForm",
    "change_password": "campaigns.team.pages.sign_in.forms.NewPasswordForm",
    "reset_password": "campaigns.team.pages.sign_in.forms.ForgottenForm",
    "reset_password_from_key": "campaigns.team.pages.sign_in.forms.ChoosePasswordForm",
    "user_token": "campaigns.team.pages.sign_in.forms.LinkForm",
}
MFA_ADAPTER = "campaigns.team.sign_in.factor_adapter.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_TOTP_TOLERANCE = 1  # steps of 30 seconds, for clocks that differ
MFA_ALLOW_UNVERIFIED_EMAIL = True  # an administrator wrote the address
# sign-ins that are begun (pages/sign_in/limits.py); codes are limited by sign_in/throttle.py
MFA_RATE_LIMITS = {"begin": "60/m/ip", "webauthn_login": ""}
MFA_FORMS = {
    "authenticate": "campaigns.team.pages.sign_in.factor_forms.SecondStepForm",
    "reauthenticate": "campaigns.team.pages.sign_in.factor_forms.ConfirmCodeForm",
    "activate_totp": "campaigns.team.pages.sign_in.factor_forms.AddAppForm",
    "add_webauthn": "campaigns.team.pages.sign_in.passkey_forms.AddForm",
    "edit_webauthn": "campaigns.team.pages.sign_in.passkey_forms.RenameForm",
    "authenticate_webauthn": "campaigns.team.pages.sign_in.passkey_forms.SecondStepForm",
    "login_webauthn": "campaigns.team.pages.sign_in.passkey_forms.SignInForm",
    "reauthenticate_webauthn": "campaigns.team.pages.sign_in.passkey_forms.ConfirmForm",
}
REQUIRE_SECOND_FACTOR: bool = read("REQUIRE_SECOND_FACTOR", "true or false", False, as_bool)
FRESH_MINUTES: int = read(
    "FRESH_MINUTES", "a number of minutes from 1 to 1440", 10, int, between(1, 1440)
)
# Signing in with an OpenID Connect provider
ROLES = ("viewer", "marketer", "approver", "administrator")
OIDC_ISSUER: str = read(
    "OIDC_ISSUER",
    "the https:// address of an OpenID Connect provider, exactly as it names itself, or empty",
    "",
    str.strip,
    lambda value: not value or insecure.is_issuer(value),
)
OIDC_CLIENT_ID: str = read(
    "OIDC_CLIENT_ID",
    "the id of this site at the provider",
    environment.REQUIRED if OIDC_ISSUER else "",
    str.strip,
    bool,
)
OIDC_CLIENT_SECRET: str = read(
    "OIDC_CLIENT_SECRET",
    "the secret of this site at the provider",
    environment.REQUIRED if OIDC_ISSUER else "",
    str.strip,
    bool,
)
OIDC_NAME: str = read("OIDC_NAME", "the name of the provider on the sign-in page", "single sign-on")
OIDC_SCOPES: list[str] = read(
    "OIDC_SCOPES", "scopes besides openid, profile and email, separated by commas", [], as_list
)
OIDC_GROUPS_CLAIM: str = read("OIDC_GROUPS_CLAIM", "the name of a claim", "groups", fits=bool)
OIDC_GROUPS: dict[str, str] = read(
    "OIDC_GROUPS",
    f"group=role, separated by commas, where a role is one of {', '.join(ROLES)}",
    {},
    environment.as_pairs,
    lambda pairs: set(pairs.values()) <= set(ROLES),
)
BREAK_GLASS_USER: str = read("BREAK_GLASS_USER", "a user name", "", str.strip)
OIDC_ONLY: bool = read(
    "OIDC_ONLY",
    "true or false; true needs OIDC_ISSUER and BREAK_GLASS_USER",
    False,
    as_bool,
    lambda value: not value or bool(OIDC_ISSUER and BREAK_GLASS_USER),
)
SOCIALACCOUNT_ADAPTER = "campaigns.team.sign_in.oidc.SocialAdapter"
# The first one is used; hashes of the others are renewed at the next sign-in.
PASSWORD_HASHERS = [
    "campaigns.team.sign_in.passwords.Argon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "campaigns.team.sign_in.passwords.LengthValidator"},
    {"NAME": "campaigns.team.sign_in.passwords.BreachedValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]

SESSION_IDLE_MINUTES: int = read(
    "SESSION_IDLE_MINUTES", "a number of minutes from 5 to 1440", 60, int, between(5, 1440)
)
SESSION_HOURS: int = read(
    "SESSION_HOURS", "a number of hours from 1 to 720", 12, int, between(1, 720)
)
SESSION_COOKIE_AGE = SESSION_HOURS * 3600  # seconds

# The API
API_RATE: int = read(
    "API_RATE",
    "a number of requests a minute, of each token, from 1 to 100000",
    600,
    int,
    between(1, 100_000),
)
API_TOKEN_DAYS: int = read(
    "API_TOKEN_DAYS",
    "the most days that a token is valid, from 1 to 3650, or 0 for no limit",
    365,
    int,
    between(0, 3650),
)

# The audit trail
AUDIT_KEEP_DAYS: int = read(
    "AUDIT_KEEP_DAYS",
    "a number of days from 30 to 36500, or 0 to keep all",
    730,
    int,
    lambda days: days == 0 or 30 <= days <= 36_500,
)
AUDIT_SYSLOG: str = read(
    "AUDIT_SYSLOG",
    "udp://host:514, tcp://host:514 or unix:/dev/log, or empty for none",
    "",
    as_address,
    environment.is_syslog,
)

# E-mail: warnings of budgets, saved reports
EMAIL: dict[str, Any] = read(
    "EMAIL_URL",
    "smtp+tls://user:password@host:587, or consolemail:// for the log",
    environment.mail("consolemail://"),
    environment.mail,
)
EMAIL_BACKEND: str = EMAIL["EMAIL_BACKEND"]
SENDS_MAIL = "console" not in EMAIL_BACKEND  # else links are handed over
EMAIL_HOST: str = EMAIL.get("EMAIL_HOST", "")
EMAIL_PORT: int = EMAIL.get("EMAIL_PORT", 25)
EMAIL_HOST_USER: str = EMAIL.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD: str = EMAIL.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS: bool = EMAIL.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL: bool = EMAIL.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 20  # seconds; a task that mails ends long before its own
DEFAULT_FROM_EMAIL: str = read(
    "EMAIL_FROM",
    "an e-mail address",
    f"viberdash@{PUBLIC_HOST or 'localhost'}",
    str.strip,
    lambda text: "@" in text,
)
EMAIL_SUBJECT_PREFIX = "ViberDash: "

GATEWAY = environment.split(BSG_API_URL)
BRAND_GATEWAYS = [environment.split(address) for address in BRAND_API_URLS.values()]
IS_GATEWAY_HERE = insecure.is_loopback(GATEWAY.hostname or "")
# what of ALLOW_INSECURE is in use: administrators see it on every page
INSECURE_SETTINGS: list[str] = insecure.check(
    {
        "SECRET_KEY": not DEBUG and insecure.is_weak_key(SECRET_KEY),
        "DEBUG": DEBUG
        and any(key.startswith("live_") for key in (BSG_API_KEY, *BRAND_API_KEYS.values()))
        and not IS_GATEWAY_HERE,
        "ALLOWED_HOSTS": "*" in ALLOWED_HOSTS,
        "HOST": not (HTTPS_ONLY or BEHIND_PROXY or insecure.is_loopback(HOST)),
        "BSG_API_URL": any(
            gateway.scheme == "http" and not insecure.is_loopback(gateway.hostname or "")
            for gateway in (GATEWAY, *BRAND_GATEWAYS)
        ),
        "EMAIL_URL": EMAIL_BACKEND.endswith("smtp.EmailBackend")
        and not (EMAIL_USE_TLS or EMAIL_USE_SSL or insecure.is_loopback(EMAIL_HOST)),
    },
    ALLOW_INSECURE,
)

# How long data is kept, by the kinds of campaigns/results/retention/kinds.py
KEEP_FOREVER = 0
KEEP_DAYS_EXPECTED = "a number of days from 1 to 36500, or 0 to keep everything"


def _keep_days(name: str, default: int) -> int:
    days: int = read(name, KEEP_DAYS_EXPECTED, default, int, between(KEEP_FOREVER, 36_500))
    return days


KEEP_UPLOADS_DAYS = _keep_days("KEEP_UPLOADS_DAYS", 30)
KEEP_REJECTED_ROWS_DAYS = _keep_days("KEEP_REJECTED_ROWS_DAYS", 180)
KEEP_RECIPIENT_FIELDS_DAYS = _keep_days("KEEP_RECIPIENT_FIELDS_DAYS", 730)
KEEP_GATEWAY_RESPONSES_DAYS = _keep_days("KEEP_GATEWAY_RESPONSES_DAYS", 180)
KEEP_MAIL_DAYS = _keep_days("KEEP_MAIL_DAYS", 30)
KEEP_FAILED_MAIL_DAYS = _keep_days("KEEP_FAILED_MAIL_DAYS", 90)
KEEP_IMAGE_COPIES_DAYS = _keep_days("KEEP_IMAGE_COPIES_DAYS", 30)
KEEP_SIGN_UPS_DAYS = _keep_days("KEEP_SIGN_UPS_DAYS", 1)
KEEP_ALERTS_DAYS = _keep_days("KEEP_ALERTS_DAYS", 180)
KEEP_WEBHOOK_LOG_DAYS: int = read(
    "KEEP_WEBHOOK_LOG_DAYS",
    "a number of days from 7 to 36500, or 0 to keep everything",
    30,
    int,
    lambda days: days == KEEP_FOREVER or 7 <= days <= 36_500,
)

# Alerts: campaigns/reports/alerts
ALERT_EMAIL: list[str] = read(
    "ALERT_EMAIL",
    "e-mail addresses, separated by commas",
    [],
    as_list,
    lambda addresses: all("@" in address for address in addresses),
)
ALERT_WEBHOOK_URL: str = read(
    "ALERT_WEBHOOK_URL",
    "an address that begins with http:// or https://, or empty",
    "",
    str.strip,
    lambda value: not value or environment.is_web_address(value),
)
ALERT_WEBHOOK_SECRET: str = read(
    "ALERT_WEBHOOK_SECRET",
    "whsec_ and 24 to 64 random bytes in base64, or empty",
    "",
    str.strip,
    environment.is_webhook_secret,
)
ALERT_AFTER_MINUTES: int = read(
    "ALERT_AFTER_MINUTES", "a number of minutes from 0 to 1440", 5, int, between(0, 1440)
)
AMOUNTS_EXPECTED = "amounts by currency, such as EUR:50,USD:20"
BALANCE_ALERT: dict[str, Decimal] = read(
    "BALANCE_ALERT", AMOUNTS_EXPECTED, {}, environment.as_amounts
)
DRIFT_ALERT: dict[str, Decimal] = read("DRIFT_ALERT", AMOUNTS_EXPECTED, {}, environment.as_amounts)
BACKUP_ALERT_HOURS: int | None = read(
    "BACKUP_ALERT_HOURS", "a number of hours from 1 to 8760, or 0", None, int, between(0, 8760)
)
DISK_ALERT_PERCENT: int = read(
    "DISK_ALERT_PERCENT", "a number of percent from 0 to 50", 5, int, between(0, 50)
)

# Language and time
LANGUAGE_CODE = "en-gb"
# a language joins when all its words are there; half a translation confuses
LANGUAGES = [("en-gb", "English")]
USE_I18N = True
USE_TZ = True
TIME_ZONE: str = read(
    "TIME_ZONE", "a zone's name, such as Europe/Kyiv", "UTC", fits=environment.is_zone
)
SITE_ZONE = ZoneInfo(TIME_ZONE)
LOCALE_PATHS = [BASE_DIR / "locale"]

# Files
STATIC_URL = "/static/"
STATIC_ROOT = DATA_ROOT / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_URL = "/media/"
MEDIA_ROOT: Path = read("MEDIA_ROOT", "a folder for pictures, public", DATA_ROOT / "media", as_path)
UPLOAD_ROOT: Path = read(
    "UPLOAD_ROOT", "a folder for contact files, private", DATA_ROOT / "uploads", as_path
)
STATE_FILE: Path = read(
    "STATE_FILE",
    "a file, of this machine alone and no part of a backup",
    DATA_ROOT / "state.json",
    as_path,
)
BACKUP_ROOT: Path = read("BACKUP_ROOT", "a folder for backups", DATA_ROOT / "backups", as_path)
BACKUP_RECIPIENT: str = read(
    "BACKUP_RECIPIENT",
    "whom backups are encrypted for: a public key of age, or a key's name in gpg; or empty",
    "",
    str.strip,
)
BACKUP_S3_URL: str = read(
    "BACKUP_S3_URL",
    "a bucket and perhaps a folder in it, such as s3://backups/viberdash, or empty",
    "",
    as_address,
    environment.is_bucket,
)
BACKUP_S3_ENDPOINT: str = read(
    "BACKUP_S3_ENDPOINT",
    "an address that begins with http:// or https://, or empty",
    "",
    as_address,
    environment.is_site,
)
BACKUP_S3_REGION: str = read("BACKUP_S3_REGION", "the region of the bucket, or empty", "")
BACKUP_S3_ACCESS_KEY: str = read(
    "BACKUP_S3_ACCESS_KEY",
    "the id of an access key",
    environment.REQUIRED if BACKUP_S3_URL else "",
)
BACKUP_S3_SECRET_KEY: str = read(
    "BACKUP_S3_SECRET_KEY",
    "the secret of that key",
    environment.REQUIRED if BACKUP_S3_URL else "",
)
S3_BUCKET: str = read("S3_BUCKET", "the name of a bucket, or empty", "")
S3_ENDPOINT: str = read(
    "S3_ENDPOINT",
    "an address that begins with http:// or https://, or empty",
    "",
    as_address,
    environment.is_site,
)
S3_REGION: str = read("S3_REGION", "the region of the bucket, or empty", "")
S3_ACCESS_KEY: str = read(
    "S3_ACCESS_KEY", "the id of an access key", environment.REQUIRED if S3_BUCKET else ""
)
S3_SECRET_KEY: str = read(
    "S3_SECRET_KEY", "the secret of that key", environment.REQUIRED if S3_BUCKET else ""
)
S3_STORAGE = {
    "BACKEND": "storages.backends.s3.S3Storage",
    "OPTIONS": {
        "bucket_name": S3_BUCKET,
        "endpoint_url": S3_ENDPOINT or None,
        "region_name": S3_REGION or None,
        "access_key": S3_ACCESS_KEY,
        "secret_key": S3_SECRET_KEY,
        "default_acl": None,  # private: this site serves the pictures itself, wherever they lie
        "file_overwrite": False,
        "addressing_style": "path",
    },
}
STORAGES = {
    "default": S3_STORAGE
    if S3_BUCKET
    else {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "viberdash.static_files.HashedStaticFiles"
    },
}
# every reference is to the hashed name: half as much to compress
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
# this site serves pictures and static files itself, so no other user has to read them
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 << 20  # pasted rows; files do not count

# Security
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        # images from other servers are shown as copies; data: is for icons in Bootstrap's CSS
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    },
}
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
# Over HTTPS a browser takes a cookie of this prefix from this very host alone.
COOKIE_PREFIX = "__Host-" if HTTPS_ONLY else ""
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken"
BODY_LIMIT_COOKIE_NAME = f"{COOKIE_PREFIX}body"
DEVICE_COOKIE_NAME = f"{COOKIE_PREFIX}device"
CSRF_COOKIE_HTTPONLY = True  # scripts take the token from the page or from /session
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # asked from inside, without the proxy
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS_ONLY
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"

# Monitoring
METRICS_TOKEN: str = read(
    "METRICS_TOKEN",
    "at least 20 random characters, or empty",
    "",
    str.strip,
    lambda token: not token or len(token) >= 20,
)
SENTRY_DSN: str = read(
    "SENTRY_DSN",
    "the DSN of a project in Sentry, such as https://key@sentry.example.com/1, or empty",
    "",
    str.strip,
    environment.is_sentry_address,
)
LOG_LEVEL: str = read(
    "LOG_LEVEL",
    "DEBUG, INFO, WARNING or ERROR",
    "INFO",
    str.upper,
    environment.one_of(["DEBUG", "INFO", "WARNING", "ERROR"]),
)
LOG_FORMAT: str = read(
    "LOG_FORMAT", "text or json", "text", str.lower, environment.one_of(logs.FORMATTERS)
)
LOGGING = logs.configuration(
    LOG_LEVEL,
    LOG_FORMAT,
    secrets=[
        BSG_API_KEY,
        SECRET_KEY,
        *BRAND_API_KEYS.values(),
        *KEY_ENCRYPTION_KEYS,
        *filter(None, [EMAIL_HOST_PASSWORD, OIDC_CLIENT_SECRET, METRICS_TOKEN]),
        *filter(None, [S3_SECRET_KEY, BACKUP_S3_SECRET_KEY]),
        *filter(None, [ALERT_WEBHOOK_URL, ALERT_WEBHOOK_SECRET, SENTRY_DSN]),
    ],
)
