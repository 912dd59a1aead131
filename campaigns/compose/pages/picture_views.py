"""Pictures: the library, uploads, and what the phones of those who get a message fetch."""

import re
from mimetypes import guess_type

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from campaigns.compose.library import pictures as library
from campaigns.compose.message.pictures import SIZE_RECOMMENDED, parse_crop, store_picture
from campaigns.compose.models import Picture
from campaigns.team.access import current_user, get_object_for, role_required, visible_to
from campaigns.team.models import Role

STORED_PICTURE = re.compile(r"pictures/\w+\.(?:jpg|png)")
YEAR = 31_536_000  # seconds
ON_A_PAGE = 48


@require_safe
def picture_list(request: HttpRequest) -> HttpResponse:
    """The library: each picture with where it is used."""
    words = request.GET.get("q", "").strip()
    pictures = visible_to(current_user(request), library.with_uses(Picture.objects.all()))
    if words:
        pictures = pictures.filter(title__icontains=words)
    page = Paginator(pictures, ON_A_PAGE).get_page(request.GET.get("page"))
    library.tell_uses(page.object_list)
    context = {"page": page, "words": words, "advised": SIZE_RECOMMENDED}
    return render(request, "campaigns/compose/picture_list.html", context)


@role_required(Role.MARKETER)
@require_POST
def picture_add(request: HttpRequest) -> HttpResponse:
    """Put a picture into the library."""
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
    except ValidationError as wrong:
        messages.error(request, " ".join(wrong.messages))
    else:
        messages.success(request, _("The picture is in the library."))
    return redirect("picture-list")


@require_POST
def picture_rename(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a picture another name."""
    picture = get_object_for(current_user(request), Picture.objects.all(), Role.MARKETER, pk=pk)
    library.rename(picture, request.POST.get("title", ""), current_user(request))
    messages.success(request, _("Renamed."))
    return redirect("picture-list")


@require_POST
def picture_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a picture that no campaign uses."""
    picture = get_object_for(current_user(request), Picture.objects.all(), Role.MARKETER, pk=pk)
    if library.delete(picture, current_user(request)):
        messages.success(request, _("The picture is deleted."))
    else:
        messages.error(
            request, _("A campaign or a template uses this picture, and phones fetch it: it stays.")
        )
    return redirect("picture-list")


@role_required(Role.MARKETER)
@require_POST
def picture_upload(request: HttpRequest) -> HttpResponse:
    """A fragment: the picture just uploaded, chosen; or what is wrong with it, in plain words."""
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
    except ValidationError as wrong:
        return HttpResponse(
            " ".join(wrong.messages), status=422, content_type="text/plain; charset=utf-8"
        )
    context = {"chosen": picture, "name": str(picture.file)}
    return render(request, "campaigns/compose/_picture_chosen.html", context)


@login_not_required
@require_safe
def media(request: HttpRequest, name: str) -> FileResponse:
    """A picture of the library, for the phones of those who get it: anybody who knows its random
    name.
    """
    if not STORED_PICTURE.fullmatch(name) or not default_storage.exists(name):
        raise Http404
    answer = FileResponse(default_storage.open(name), content_type=guess_type(name)[0])
    answer["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Disposition"] = "inline"
    answer["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer
