"""Models whose rows belong to a brand, and managers that return those of the brand acted for."""

from typing import Any, ClassVar, TypeVar

from django.db import models
from django.db.models import Manager, Model, Q, QuerySet

from campaigns.shared.brands.scope import MAIN, brand_of_new, limit

M = TypeVar("M", bound=Model)


class BrandManager(Manager[M]):
    """The rows of the brand that is acted for: those whose `brand` it is."""

    def get_queryset(self) -> QuerySet[M]:
        return self.limited(super().get_queryset())

    def limited(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Those of `rows` that belong to the brand that is acted for."""
        brand = limit()
        return rows if brand is None else rows.filter(self.belonging_to(brand))

    def belonging_to(self, brand_id: int | None) -> Q:
        """The condition on rows of a brand."""
        return Q(brand=brand_id)


class Branded(models.Model):
    """Belongs to a brand."""

    brand = models.ForeignKey(
        "campaigns.Brand",
        models.PROTECT,
        default=brand_of_new,
        db_default=models.Value(MAIN),  # for processes of the version before brands
        related_name="+",
    )

    objects = BrandManager()

    class Meta:
        abstract = True


class SharedBrandManager(BrandManager[M]):
    """As BrandManager, and with the rows that are for all brands: those without one."""

    def belonging_to(self, brand_id: int | None) -> Q:
        return Q(brand=brand_id) | Q(brand=None)


class ParentBrandManager(BrandManager[M]):
    """The rows whose parent, which the foreign key `parent` names, belongs to the brand; those
    without a parent belong to the first one.

    The parents are asked for in a subquery, not joined: a join would be locked with the rows.
    """

    parent: ClassVar[str]

    @classmethod
    def of(cls, parent: str) -> "ParentBrandManager[Any]":
        """A manager for models whose foreign key `parent` leads to a branded model."""
        manager: ParentBrandManager[Any] = type(cls.__name__, (cls,), {"parent": parent})()
        return manager

    def belonging_to(self, brand_id: int | None) -> Q:
        field = self.model._meta.get_field(self.parent)
        parents = field.related_model._base_manager.filter(brand=brand_id)  # type: ignore[union-attr]
        belongs = Q(**{f"{self.parent}__in": parents.order_by().values("pk")})
        return belongs | Q(**{self.parent: None}) if field.null and brand_id == MAIN else belongs
