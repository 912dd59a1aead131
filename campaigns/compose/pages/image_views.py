"""Images: the library, uploads, logos, and the files that the recipients' phones load."""

import re
from mimetypes import guess_type

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.library import logos, web_pictures
from campaigns.compose.library import pictures as library
from campaigns.compose.message.pictures import SIZE_RECOMMENDED, parse_crop, store_picture
from campaigns.compose.models import Picture, WebPicture
from campaigns.shared.query_values import read_search, read_text
from campaigns.team.models import Brand
from campaigns.team.pages.access import current_user, get_object_for, permission_required
from campaigns.team.pages.body_limits import IMAGE, accepts_body
from campaigns.team.pages.navigation import campaign_tabs
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission
from campaigns.team.roles import visible_to

STORED_IMAGE = re.compile(r"pictures/\w+\.(?:jpg|png)")
ONE_YEAR = 31_536_000  # seconds
PAGE_SIZE = 48


@require_safe
def picture_list(request: HttpRequest) -> HttpResponse:
    """The library: each image, and the campaigns that use it."""
    query = read_search(request.GET)
    pictures = visible_to(current_user(request), library.with_uses(Picture.objects.all()))
    if query:
        pictures = pictures.filter(title__folded_contains=query)
    page = Paginator(pictures, PAGE_SIZE).get_page(request.GET.get("page"))
    library.attach_uses(page.object_list)
    context = {
        "page": page,
        "query": query,
        "advised_size": SIZE_RECOMMENDED,
        "tabs": campaign_tabs("picture-list"),
    }
    return render(request, "campaigns/compose/image_list.html", context)


@once
@permission_required(Permission.COMPOSE)
@require_POST
@accepts_body(IMAGE)
def picture_add(request: HttpRequest) -> HttpResponse:
    """Add an image to the library."""
    upload = request.FILES.get("picture")
    try:
        if upload is None:
            raise ValidationError(_("Choose a file."))
        store_picture(
            upload,
            current_user(request),
            bool(request.POST.get("square")),
            parse_crop(request.POST),
        )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("Image added to the library."))
    return redirect("picture-list")


@require_POST
def picture_rename(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename an image."""
    picture = get_object_for(
        current_user(request), Picture.objects.all(), Permission.COMPOSE, pk=pk
    )
    library.rename(picture, read_text(request.POST, "title"), current_user(request))
    messages.success(request, _("Image renamed."))
    return redirect("picture-list")


@require_POST
def picture_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete an image that is not used."""
    picture = get_object_for(
        current_user(request), Picture.objects.all(), Permission.COMPOSE, pk=pk
    )
    try:
        library.delete(picture, current_user(request))
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Image deleted."))
    return redirect("picture-list")


@permission_required(Permission.COMPOSE)
@require_POST
@accepts_body(IMAGE)
def picture_upload(request: HttpRequest) -> HttpResponse:
    """A fragment: the uploaded image as the chosen one; or 422 and the error as plain text."""
    upload = request.FILES.get("picture")
    if upload is None:
        return HttpResponse(
            _("Choose a file."), status=422, content_type="text/plain; charset=utf-8"
        )
    try:
        picture = store_picture(
            upload,
            current_user(request),
            bool(request.POST.get("square")),
            parse_crop(request.POST),
        )
    except ValidationError as error:
        return HttpResponse(
            " ".join(error.messages), status=422, content_type="text/plain; charset=utf-8"
        )
    context = {"image": picture, "name": str(picture.file)}
    return render(request, "campaigns/compose/_chosen_image.html", context)


@require_safe
def picture_copy(request: HttpRequest, pk: int) -> HttpResponse:
    """A fragment: the copy of an image from the web, that it is being fetched, or why it is not
    there.
    """
    copy = get_object_for(current_user(request), WebPicture.objects.all(), pk=pk)
    if copy.is_waiting:
        web_pictures.request_again(copy)
    context = {"picture": web_pictures.as_shown(copy)}
    return render(request, "campaigns/compose/_message_image.html", context)


@once
@permission_required(Permission.MANAGE_TEAM)
@require_http_methods(["GET", "HEAD", "POST"])
@accepts_body(IMAGE)
def brand_logo(request: HttpRequest, pk: int) -> HttpResponse:
    """Settings -> Brands -> Logo: what recipients see on the pages of their links."""
    brand = get_object_or_404(Brand, pk=pk)
    error = ""
    if request.method == "POST":
        upload = request.FILES.get("logo")
        try:
            if upload is None:
                raise ValidationError(_("Choose a file."))
            logos.set_logo(brand, upload, current_user(request))
        except ValidationError as refused:
            error = " ".join(refused.messages)
        else:
            messages.success(request, _("Logo set."))
            return redirect("brand-logo", pk)
    logo = f"{settings.MEDIA_URL}{brand.logo}" if brand.logo else ""
    context = {"brand": brand, "logo": logo, "error": error}
    status = 422 if error else 200
    return render(request, "campaigns/compose/brand_logo.html", context, status=status)


@permission_required(Permission.MANAGE_TEAM)
@require_POST
def brand_logo_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Show no logo of a brand any more."""
    if logos.remove_logo(get_object_or_404(Brand, pk=pk), current_user(request)):
        messages.success(request, _("Logo removed."))
    return redirect("brand-logo", pk)


@login_not_required
@require_safe
def media(request: HttpRequest, name: str) -> FileResponse:
    """An image for the recipients' phones: anybody who knows its random name may load it."""
    if not STORED_IMAGE.fullmatch(name) or not default_storage.exists(name):
        raise Http404
    answer = FileResponse(default_storage.open(name), content_type=guess_type(name)[0])
    answer["Cache-Control"] = f"public, max-age={ONE_YEAR}, immutable"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Disposition"] = "inline"
    answer["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer
