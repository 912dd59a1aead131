"""Typed reads of the environment, each explained in `.env.example`.

A missing or malformed variable stops the start with its name and what it should be.
"""

import math
import socket
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import environ
import phonenumbers
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env.read_env(BASE_DIR / ".env", overwrite=False)


def read(kind: str, name: str, expected: str, **default: Any) -> Any:
    """The variable `name` as `kind` (a method of environ.Env), or a stop that says what it should be."""
    try:
        return getattr(env, kind)(name, **default)
    except ImproperlyConfigured as missing:
        raise ImproperlyConfigured(f"{name} is not set. It should be {expected}.") from missing
    except (ValueError, TypeError, ArithmeticError) as malformed:
        raise ImproperlyConfigured(f"{name} is not usable. It should be {expected}.") from malformed


def must(condition: bool, name: str, expected: str) -> None:
    if not condition:
        raise ImproperlyConfigured(f"{name} is not usable. It should be {expected}.")


# Site
DEBUG: bool = read("bool", "DEBUG", "true or false", default=False)
SECRET_KEY: str = read("str", "SECRET_KEY", "a long random string, known to this installation alone")
must(len(SECRET_KEY) >= 32, "SECRET_KEY", "at least 32 random characters")
ALLOWED_HOSTS: list[str] = read(
    "list", "ALLOWED_HOSTS", "host names, separated by commas", default=["localhost", "127.0.0.1"]
)
PUBLIC_BASE_URL: str = read(
    "str", "PUBLIC_BASE_URL", "the address people and the gateway reach this site at", default=""
).rstrip("/")
must(
    not PUBLIC_BASE_URL or PUBLIC_BASE_URL.startswith(("http://", "https://")),
    "PUBLIC_BASE_URL",
    "an address that begins with http:// or https://, or empty",
)
CSRF_TRUSTED_ORIGINS = [PUBLIC_BASE_URL] if PUBLIC_BASE_URL else []
HTTPS_ONLY: bool = read("bool", "HTTPS_ONLY", "true or false", default=PUBLIC_BASE_URL.startswith("https://"))

# The gateway
BSG_API_URL: str = read(
    "str", "BSG_API_URL", "the gateway's base address", default="https://api.bsg.world/rest"
).rstrip("/")
must(BSG_API_URL.startswith(("http://", "https://")), "BSG_API_URL", "an address that begins with http:// or https://")
BSG_API_KEY: str = read("str", "BSG_API_KEY", "the API key of the BSG account (live_… or test_…)")
SEND_CONNECTIONS: int = read("int", "SEND_CONNECTIONS", "a number of connections from 1 to 64", default=8)
must(1 <= SEND_CONNECTIONS <= 64, "SEND_CONNECTIONS", "a number of connections from 1 to 64")
SEND_RATE: int = read("int", "SEND_RATE", "recipients a second over all workers, 0 for no limit", default=0)
must(SEND_RATE >= 0, "SEND_RATE", "recipients a second over all workers, 0 for no limit")
DEFAULT_COUNTRY: str = read("str", "DEFAULT_COUNTRY", "two letters, such as UA", default="UA").upper()
must(DEFAULT_COUNTRY in phonenumbers.SUPPORTED_REGIONS, "DEFAULT_COUNTRY", "two letters of a country, such as UA")
MISSED_SCHEDULE_MINUTES: int = read("int", "MISSED_SCHEDULE_MINUTES", "a number of minutes", default=60)
must(MISSED_SCHEDULE_MINUTES >= 1, "MISSED_SCHEDULE_MINUTES", "a number of minutes, at least 1")
WORKER_NAME: str = read("str", "WORKER_NAME", "a name that no other worker machine has", default=socket.gethostname())

# Database, cache, queue
DATABASE_URL: str = read(
    "str",
    "DATABASE_URL",
    "sqlite:///file or postgres://user:password@host/name",
    default=f"sqlite:///{BASE_DIR}/var/viberdash.sqlite3",
)
DATABASE: dict[str, Any] = env.db_url_config(DATABASE_URL)
SQLITE = DATABASE["ENGINE"] == "django.db.backends.sqlite3"
must(
    SQLITE or DATABASE["ENGINE"] == "django.db.backends.postgresql",
    "DATABASE_URL",
    "sqlite:///file or postgres://user:password@host/name",
)
if SQLITE:
    Path(DATABASE["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    # IMMEDIATE, or a transaction that reads first and writes later fails under load instead of waiting its turn.
    DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        " PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY;",
    }
else:
    DATABASE |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
if test_name := env.str("TEST_DATABASE_NAME", default=""):
    DATABASE["TEST"] = {"NAME": test_name}
DATABASES = {"default": DATABASE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL: str = read("str", "REDIS_URL", "redis://host:port/number, or empty for none", default="")
must(
    not REDIS_URL or REDIS_URL.startswith(("redis://", "rediss://", "unix://")),
    "REDIS_URL",
    "redis://host:port/number, or empty for none",
)
CACHES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

WORKERS: int = read("int", "WORKERS", "a number of worker processes from 1 to 64", default=2)
must(1 <= WORKERS <= 64, "WORKERS", "a number of worker processes from 1 to 64")
TASK_TIMEOUT = 120  # seconds; every task ends by itself long before
# A task's lease runs while it waits in a worker's memory too; a shorter `retry` would run tasks twice.
TASK_RETRY = (math.ceil(WORKERS / WORKERS) + 2) * (TASK_TIMEOUT + 3)
Q_CLUSTER: dict[str, Any] = {
    "name": "viberdash",
    "label": "Queue",
    "orm": "default",
    "workers": WORKERS,
    "queue_limit": WORKERS,
    "bulk": 1,
    "timeout": TASK_TIMEOUT,
    "retry": TASK_RETRY,
    "max_attempts": 3,
    "ack_failures": True,
    "save_limit": -1,  # successes are not kept: what was done stands in the tables
    "catch_up": False,
    "poll": 0.2,
    "recycle": 100_000,
    "has_replica": False,
}

INSTALLED_APPS = [
    "campaigns",
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
    "django_htmx",
    "django_q",
    "csp",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
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
            ],
        },
    },
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# People
AUTH_USER_MODEL = "campaigns.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Language and time
LANGUAGE_CODE = "en-gb"
USE_I18N = True
USE_TZ = True
TIME_ZONE: str = read("str", "TIME_ZONE", "a zone's name, such as Europe/Kyiv", default="UTC")
must(TIME_ZONE in available_timezones(), "TIME_ZONE", "a zone's name, such as Europe/Kyiv")
SITE_ZONE = ZoneInfo(TIME_ZONE)
LOCALE_PATHS = [BASE_DIR / "locale"]

# Files
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_URL = "/media/"
MEDIA_ROOT = Path(
    read("str", "MEDIA_ROOT", "a folder for uploaded pictures and files", default=str(BASE_DIR / "var" / "media"))
)
UPLOAD_ROOT = Path(
    read("str", "UPLOAD_ROOT", "a folder for contact files, not public", default=str(BASE_DIR / "var" / "uploads"))
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000

# Security
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "https:", "http:"],  # a campaign's picture may stand on any server
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
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS_ONLY
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if read("bool", "BEHIND_PROXY", "true or false", default=HTTPS_ONLY) else None
)
SECURE_REFERRER_POLICY = "same-origin"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {
        "handlers": ["stderr"],
        "level": read("str", "LOG_LEVEL", "DEBUG, INFO, WARNING or ERROR", default="INFO").upper(),
    },
}
