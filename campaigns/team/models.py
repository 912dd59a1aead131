"""The users of the dashboard, and what they did."""

import uuid

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from campaigns.gateway.environment import Environment


class Role(models.TextChoices):
    """What a user may do. Each role includes the one before it."""

    VIEWER = "viewer", _("Viewer")  # reads; phone numbers are masked
    MARKETER = "marketer", _("Marketer")  # contacts and campaigns
    APPROVER = "approver", _("Approver")  # approves campaigns above the approval limit
    ADMINISTRATOR = "administrator", _("Administrator")  # users, senders, budgets, Django's admin


class User(AbstractUser):
    # in the first brand; "": none. Memberships have those in others, administrators are in all.
    role = models.CharField(
        _("role"), max_length=13, choices=Role.choices, default=Role.MARKETER, blank=True
    )
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    must_change_password = models.BooleanField(default=False, db_default=False)
    # too short for an account without a second factor: to be changed when the last one is gone
    has_short_password = models.BooleanField(default=False, db_default=False)
    # raised to end all sessions of the user and the links to choose a password
    sign_in_version = models.PositiveIntegerField(default=0, db_default=0)

    @property
    def is_invited(self) -> bool:
        """Whether this user was invited, and has not chosen a password yet."""
        return not self.has_usable_password() and self.last_login is None

    @cached_property
    def other_roles(self) -> dict[int, str]:
        """The roles in brands other than the first, by their ids."""
        return {row.brand_id: row.role for row in self.memberships.all()}

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Django's hash of the password, which each session is compared with, and the version."""
        own = super()._get_session_auth_hash(secret=secret)  # type: ignore[misc]
        text = f"{own} {self.sign_in_version}"
        return salted_hmac("session", text, secret=secret, algorithm="sha256").hexdigest()


class Brand(models.Model):
    """A team with its own contacts, campaigns, senders and budgets. There is always one, MAIN.

    Which of them a page shows is decided by shared/brand_scope.py.
    """

    name = models.CharField(_("name"), max_length=60)
    # in the addresses of its pages, and never changed
    slug = models.SlugField(_("short name"), max_length=30, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    promotional_needs_consent = models.BooleanField(
        _("promotional messages only with consent"), default=False, db_default=False
    )
    # the name of its logo in the storage of images; "": none
    logo = models.CharField(max_length=60, blank=True, default="", db_default="")
    # messages in a row that did not reach a phone, after which it is proposed for the stop list
    stop_proposed_after = models.PositiveSmallIntegerField(
        _("failures before a proposal"), default=3, db_default=3
    )
    is_held: bool  # whether its sending is held now, where `brands_with_keys` loaded it

    class Meta:
        verbose_name = _("brand")
        verbose_name_plural = _("brands")
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(Lower("name"), name="brand_name")]

    def __str__(self) -> str:
        return self.name


class BrandKey(models.Model):
    """The API key that a brand has of its own, encrypted (brand_keys/)."""

    brand = models.OneToOneField(
        Brand, models.CASCADE, primary_key=True, related_name="own_key", verbose_name=_("brand")
    )
    encrypted = models.TextField(editable=False)
    kind = models.CharField(max_length=5)  # "live", "test" or "other"
    set_at = models.DateTimeField()
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        verbose_name = _("API key of a brand")
        verbose_name_plural = _("API keys of brands")

    def __str__(self) -> str:
        return str(self.brand)


class Membership(models.Model):
    """The role of a user in a brand other than MAIN, where it is `User.role`."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    brand = models.ForeignKey(Brand, models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=13, choices=Role.choices)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [models.UniqueConstraint("user", "brand", name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.role}"


class Installation(models.Model):
    """This database in one row: how far it has come, to notice a restore (safe_mode.py)."""

    uuid = models.UUIDField(default=uuid.uuid4, editable=False)
    number = models.BigIntegerField(default=0)  # of sweeps so far
    at = models.DateTimeField()  # of the last sweep
    safe_since = models.DateTimeField(null=True)  # restored then and not confirmed: nothing sends

    def __str__(self) -> str:
        return str(self.uuid)


class GatewayAccount(models.Model):
    """An account at a gateway: what was sent with it exists nowhere else (accounts.py).

    The first one recorded also owns the campaigns from before there were accounts.
    """

    name = models.CharField(_("name"), max_length=60)
    environment = models.CharField(
        _("environment"), max_length=7, choices=Environment.choices, editable=False
    )
    base_url = models.CharField(_("address"), max_length=300, editable=False)  # of its newest key
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("gateway account")
        verbose_name_plural = _("gateway accounts")
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


class AccountKey(models.Model):
    """A key of an account, as a fingerprint; a rotated key is one more."""

    account = models.ForeignKey(GatewayAccount, models.CASCADE, related_name="keys")
    fingerprint = models.CharField(max_length=64, unique=True)  # of address and key
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.fingerprint[:8]


class ActorKind(models.TextChoices):
    """What acts. Entries of before this was recorded have none."""

    USER = "user", _("User")
    TOKEN = "token", _("Token")
    COMMAND = "command", _("Command")
    SYSTEM = "system", _("ViberDash")
    VISITOR = "visitor", _("Not signed in")


class AuditResult(models.TextChoices):
    DONE = "done", _("Done")
    REFUSED = "refused", _("Refused")


class AuditEntry(models.Model):
    """Who did what, when and from where. Shown as "Activity" on the page of the object.

    Append-only: triggers refuse UPDATE and DELETE (audit/append_only.py). What describes the actor
    is what it was at that time.
    """

    at = models.DateTimeField(default=timezone.now)
    # no constraint: the id stays when the account is removed
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    kind = models.CharField(max_length=7, choices=ActorKind.choices, blank=True, db_default="")
    # of the user; of a command, the user of the system and the command
    actor_name = models.CharField(max_length=150, blank=True, db_default="")
    role = models.CharField(max_length=13, choices=Role.choices, blank=True, db_default="")
    brand = models.IntegerField(null=True, blank=True)  # its id, where there are several
    address = models.CharField(max_length=45, blank=True, db_default="")  # of the client
    session = models.CharField(max_length=16, blank=True, db_default="")  # a keyed hash
    subject = models.CharField(max_length=40)  # "campaign:12", "contactlist:3": outlives the object
    action = models.CharField(max_length=40)  # "launched", "paused", …
    detail = models.CharField(max_length=500, blank=True)
    result = models.CharField(
        max_length=7, choices=AuditResult.choices, default=AuditResult.DONE, db_default="done"
    )
    reason = models.CharField(max_length=300, blank=True, db_default="")  # of a refusal

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ["-id"]
        indexes = [
            # the activity of an object, newest first
            models.Index(models.F("subject"), models.F("id").desc(), name="audit_subject"),
            # the search, newest first; also what is not in the chain yet
            models.Index("at", "id", name="audit_at"),
            models.Index("actor", "at", "id", name="audit_actor"),
            models.Index("action", "at", "id", name="audit_action"),
            # whole, as SQLite uses no partial index where the value is a parameter
            models.Index("address", "at", "id", name="audit_address"),
            models.Index("result", "at", "id", name="audit_result"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.action}"

    @property
    def who(self) -> str:
        """The user's name, or what else acted."""
        if self.actor_name or self.actor_id:
            return self.actor_name or str(self.actor or f"user:{self.actor_id}")
        return str(ActorKind(self.kind or ActorKind.SYSTEM).label)


class AuditLink(models.Model):
    """An entry's place in the chain, with the hash of it and everything before (audit/chain.py).

    Append-only, without gaps.
    """

    position = models.BigIntegerField(primary_key=True)  # from 1
    entry = models.OneToOneField(
        AuditEntry, models.DO_NOTHING, db_constraint=False, related_name="link"
    )
    hash = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.position}:{self.hash}"


class AuditSeal(models.Model):
    """What stays of a segment of the chain whose entries were removed (audit/segments.py).

    Never changed or deleted. It is what lets the triggers delete the segment.
    """

    last_position = models.BigIntegerField(primary_key=True)  # the segment ends here
    hash = models.CharField(max_length=64)  # of this link: the chain goes on from it
    entries = models.PositiveIntegerField()
    first_at = models.DateTimeField()  # of the entries
    last_at = models.DateTimeField()
    sealed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.last_position}:{self.hash}"


class AuditProgress(models.Model):
    """How far the background work on the trail has come, in one row (audit/job.py)."""

    # an entry with an earlier time is not linked any more: it was not there in time
    settled_at = models.DateTimeField(null=True)
    streamed = models.BigIntegerField(default=0)  # position up to which syslog has the entries
    lease_until = models.DateTimeField(null=True)  # while a process is at work
    # the last `manage.py verify_audit`, and how much was wrong
    verified_at = models.DateTimeField(null=True)
    findings = models.PositiveIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return f"{self.streamed}"


class SignInTry(models.Model):
    """A try to sign in, or to get a link, that was not right (sign_in/throttle.py). Not kept."""

    at = models.DateTimeField(db_index=True)
    address = models.CharField(max_length=45)  # of the client, or its IPv6 network
    account = models.CharField(max_length=32)  # a keyed hash of the name that was typed
    device = models.CharField(max_length=16)  # on which the account signed in before, else ""

    class Meta:
        indexes = [
            models.Index("address", "at", name="try_address"),
            models.Index("account", "at", name="try_account"),
        ]

    def __str__(self) -> str:
        return f"{self.address} {self.at}"


class FactorReset(models.Model):
    """What an administrator asks for, and another one confirms: to remove the second factors of a
    user who lost them (sign_in/factor_resets.py).
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="factor_reset"
    )
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    asked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user} {self.asked_at}"


class MailState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Not delivered")


class OutgoingMail(models.Model):
    """An e-mail to one address (mail.py writes it, mail_delivery.py sends it).

    WAITING -> SENT
       ^ |
       | +---> FAILED: refused for good, or after the last try; an administrator resends it
       +---------+
    """

    address = models.CharField(_("recipient"), max_length=254)
    subject = models.CharField(_("subject"), max_length=250)
    body = models.TextField()
    # at most one file; its content is dropped once sent
    attachment_name = models.CharField(max_length=200, blank=True)
    attachment_type = models.CharField(max_length=100, blank=True)
    attachment = models.BinaryField(null=True)
    # the same at each try, so that a mailbox can tell a repeated e-mail
    message_id = models.CharField(max_length=200)
    state = models.CharField(
        _("state"), max_length=7, choices=MailState.choices, default=MailState.WAITING
    )
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    # set before each try to the time of the one after: a crash during a try leads to another
    next_try_at = models.DateTimeField(_("next try"))
    last_error = models.CharField(_("error"), max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("e-mail")
        verbose_name_plural = _("e-mails")
        ordering = ["-id"]
        indexes = [
            # for the delivery
            models.Index(
                "next_try_at", name="mail_due", condition=models.Q(state=MailState.WAITING)
            ),
            # for the page of what is not delivered
            models.Index("id", name="mail_failed", condition=models.Q(state=MailState.FAILED)),
        ]

    def __str__(self) -> str:
        return f"{self.address}: {self.subject}"


class Submission(models.Model):
    """A form that was submitted, so that a repeated submit is answered with the result of the first
    (pages/submissions.py). Deleted after a day.
    """

    key = models.CharField(max_length=64, unique=True)  # of its token, user, address and content
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_index=True)
    # the result, once it is there: where the page leads, or else what it answered as JSON
    answered_at = models.DateTimeField(null=True)
    location = models.TextField(blank=True)
    body = models.TextField(blank=True)
    messages = models.JSONField(default=list)  # [level, text] of what the next page says

    def __str__(self) -> str:
        return self.key[:8]
