"""The brands of this installation: making and renaming them, and the roles of users in them."""

from collections.abc import Mapping

from django.db import connections, transaction
from django.db.models import Count, Q
from django.utils.text import slugify
from django.utils.translation import gettext as _

from campaigns.shared.brands.scope import MAIN
from campaigns.team import audit
from campaigns.team.models import Brand, Membership, Role, User


class Refused(Exception):  # noqa: N818 - not a failure: the reason is the user's
    """The change is not allowed; the message says why."""


def ensure_first_brand(using: str = "default", **_signal: object) -> None:
    """Make the brand that everything belongs to as long as there is no other."""
    if Brand._meta.db_table not in connections[using].introspection.table_names():
        return
    Brand.objects.using(using).get_or_create(pk=MAIN, defaults={"name": "Main", "slug": "main"})


def are_several() -> bool:
    """Whether there is more than one brand: only then do pages speak of them."""
    return Brand.objects.count() > 1


def with_members() -> list[Brand]:
    """All brands, each with `member_count`: active users with a role in it, administrators too."""
    active = User.objects.filter(is_active=True)
    everywhere = Q(role=Role.ADMINISTRATOR) | Q(is_superuser=True)
    administrators = active.filter(everywhere).count()
    others = active.exclude(everywhere)
    in_others = dict(
        Membership.objects.filter(user__in=others)
        .order_by()
        .values_list("brand")
        .annotate(Count("pk"))
    )
    brands = list(Brand.objects.select_related("own_key").order_by("pk"))
    for brand in brands:
        own = others.exclude(role="").count() if brand.pk == MAIN else in_others.get(brand.pk, 0)
        vars(brand)["member_count"] = administrators + own
    return brands


def brand_of_slug(slug: str) -> Brand:
    """The brand with this short name. Raises Refused if there is none."""
    brand = Brand.objects.filter(slug=slug).first()
    if brand is None:
        names = ", ".join(Brand.objects.values_list("slug", flat=True))
        raise Refused(
            _("There is no brand “%(slug)s”, only: %(names)s.") % {"slug": slug, "names": names}
        )
    return brand


def make(actor: User, name: str) -> Brand:
    """Make a brand. Its short name comes from `name`. Raises Refused if another has it."""
    with transaction.atomic():
        brand = Brand(name=name, slug=_free_slug(name))
        _require_free_name(brand)
        brand.save()
        audit.record(actor, brand, "created", name)
    return brand


def rename(actor: User, brand: Brand, name: str) -> None:
    """Give a brand another name; its addresses stay. Raises Refused if another has it."""
    with transaction.atomic():
        before, brand.name = brand.name, name
        _require_free_name(brand)
        brand.save(update_fields=["name"])
        audit.record(actor, brand, "renamed", f"{before} to {name}")


@transaction.atomic
def set_needs_consent(actor: User, brand: Brand, needs_consent: bool) -> None:
    """Send promotional messages of the brand only to those who agreed, or to everybody."""
    if brand.promotional_needs_consent == needs_consent:
        return
    brand.promotional_needs_consent = needs_consent
    brand.save(update_fields=["promotional_needs_consent"])
    state = "on" if needs_consent else "off"
    audit.record(actor, brand, "set", f"promotional messages only with consent: {state}")


def _require_free_name(brand: Brand) -> None:
    others = Brand.objects.select_for_update().exclude(pk=brand.pk)
    if any(other.name.casefold() == brand.name.casefold() for other in others):
        raise Refused(_("There is a brand with this name already."))


def _free_slug(name: str) -> str:
    """The name in the letters of addresses, with a number if another brand has it."""
    base = slugify(name)[:20] or "brand"
    taken = set(Brand.objects.values_list("slug", flat=True))
    numbers = (f"-{number}" if number else "" for number in range(len(taken) + 1))
    return next(slug for number in numbers if (slug := f"{base}{number}") not in taken)


def roles_of(member: User) -> dict[int, str]:
    """The roles of a user by brand; without those in which there is none."""
    first = {MAIN: member.role} if member.role else {}
    return first | dict(member.memberships.values_list("brand", "role"))


def write_roles(member: User, roles: Mapping[int, str]) -> None:
    """Store the roles of a user by brand, in the caller's transaction: "" for none."""
    member.role = roles.get(MAIN, "")
    kept = {brand: role for brand, role in roles.items() if role and brand != MAIN}
    member.memberships.exclude(brand__in=kept).delete()
    for brand, role in kept.items():
        Membership.objects.update_or_create(user=member, brand_id=brand, defaults={"role": role})
