"""Middleware: the address of a page says for which brand it acts, and so with which key.

Addresses of the first brand have no prefix, those of another begin with /b/ and its short name. So
two tabs can show two brands, and a link leads a colleague to the same page.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from campaigns.gateway.key_in_use import GatewayKey, using
from campaigns.shared.brands.scope import acting_for, split_path
from campaigns.team.brand_keys.in_use import brands_with_keys, key_of_brand
from campaigns.team.models import Brand, User
from campaigns.team.roles import brands_of


class BrandAddress:
    """Takes the brand from the address: views have the addresses that they have without it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        slug, request.path_info = split_path(request.path_info)
        request.META["brand"] = slug
        return self.get_response(request)


@dataclass(frozen=True, slots=True)
class UserBrands:
    """The brand that a page acts for, and all in which its user has a role."""

    current: Brand
    all: Sequence[Brand]


def brands_of_request(request: HttpRequest) -> UserBrands | None:
    """The brands of the signed-in user; None where a page acts for none."""
    return cast("UserBrands | None", getattr(request, "brands", None))


class ActForBrand:
    """Acts for the brand of the address, with its API key: 404 where the user has no role in it.

    Without one in the address it is the first of the user's. Django's admin shows all brands.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not isinstance(request.user, User) or request.path_info.startswith("/admin/"):
            return self.get_response(request)
        every = brands_with_keys()
        own = brands_of(request.user, every) if len(every) > 1 else every
        slug = request.META["brand"]
        current = next((brand for brand in own if slug in ("", brand.slug)), None)
        if current is None:
            raise Http404
        request.brands = UserBrands(current, own)  # type: ignore[attr-defined]
        slugs = {brand.pk: brand.slug for brand in every}
        key = key_of_brand(current.pk, every)
        with acting_for(current.pk, slugs), using(key):
            response = self.get_response(request)
        keep_acting(response, current.pk, slugs, key)
        return response


def keep_acting(
    response: HttpResponseBase, brand_id: int, slugs: Mapping[int, str], key: GatewayKey
) -> None:
    """Have what is made while `response` is sent made for the brand too."""
    if type(response) is StreamingHttpResponse:
        chunks = cast("Iterable[bytes]", response.streaming_content)
        response.streaming_content = _made_for(brand_id, slugs, key, chunks)


def _made_for(
    brand_id: int, slugs: Mapping[int, str], key: GatewayKey, chunks: Iterable[bytes]
) -> Iterator[bytes]:
    """The `chunks`, each of which is made for the brand, with its key."""
    remaining = iter(chunks)
    while True:
        with acting_for(brand_id, slugs), using(key):
            chunk = next(remaining, None)
        if chunk is None:
            return
        yield chunk
