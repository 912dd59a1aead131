"""django-post-office sending mails through its dummy backend: queue them, send all that is queued.
Mails a second.
"""

import logging
import sys
import time

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "post_office"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    EMAIL_BACKEND="post_office.EmailBackend",
    POST_OFFICE={
        "BACKENDS": {"default": "django.core.mail.backends.dummy.EmailBackend"},
        "BATCH_SIZE": 1000,
    },
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    USE_TZ=True,
    SECRET_KEY="peer",
)
django.setup()

from django.core.management import call_command  # noqa: E402
from post_office import mail  # noqa: E402
from post_office.mail import send_queued  # noqa: E402

if __name__ == "__main__":
    mails = int(sys.argv[1])
    logging.disable(logging.INFO)  # five lines for each thousand mails
    call_command("migrate", verbosity=0)
    start = time.perf_counter()
    mail.send_many(
        [
            {
                "sender": "shop@example.com",
                "recipients": [f"{n}@example.com"],
                "subject": "Hello",
                "message": "Hello!",
            }
            for n in range(mails)
        ]
    )
    while send_queued()[0]:
        pass
    print(mails / (time.perf_counter() - start))
