"""The images of messages: checked, re-encoded, stored, and reachable for the gateway.

The uploaded file itself is never stored, only a new encoding of its pixels: no EXIF, no location,
nothing hidden behind the image.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from campaigns.compose.message import web_addresses
from campaigns.compose.models import Campaign, Picture
from campaigns.team import audit
from campaigns.team.models import User

if TYPE_CHECKING:
    Upload = UploadedFile[bytes]
else:
    Upload = UploadedFile

EXTENSIONS = {"JPEG": "jpg", "PNG": "png"}
UPLOAD_MAX = 20 * 1024 * 1024  # bytes of the uploaded file
SIDE_MIN, SIDE_MAX = 64, 4000  # pixels of the uploaded image
SIDE_STORED_MAX = 800  # pixels; Viber shows no more
SIZE_STORED_MAX = 2 * 1024 * 1024  # bytes
SIZE_RECOMMENDED = 400 * 1024  # bytes
JPEG_QUALITY = 85


@dataclass(frozen=True, slots=True)
class Crop:
    """A square part of an image, in per cent.

    `left` is of its width, `top` of its height, `side` of the shorter of both.
    """

    left: float
    top: float
    side: float

    def box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """The part in pixels, moved to lie within the image: left, top, right, bottom."""
        side = max(1, round(min(width, height) * self.side / 100))
        left = min(round(width * self.left / 100), width - side)
        top = min(round(height * self.top / 100), height - side)
        return left, top, left + side, top + side


def parse_crop(data: Mapping[str, Any]) -> Crop | None:
    """Read `crop_left`, `crop_top` and `crop_side` of a form; None if all are empty.

    Raises ValidationError.
    """
    values = [
        str(data.get(name) or "").strip().replace(",", ".")
        for name in ("crop_left", "crop_top", "crop_side")
    ]
    if not any(values):
        return None
    try:
        left, top, side = (
            float(value or default) for value, default in zip(values, (0, 0, 100), strict=True)
        )
    except ValueError:
        left = top = side = -1.0
    if not (0 <= left <= 100 and 0 <= top <= 100 and 1 <= side <= 100):
        raise ValidationError(
            _("Enter the crop in per cent: position from 0 to 100, size from 1 to 100.")
        )
    return Crop(left, top, side)


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """An image as it is stored."""

    content: bytes
    ending: str
    width: int
    height: int


def picture_url(campaign: Campaign) -> str:
    """The URL where the gateway fetches the campaign's image; "" without an image.

    The URL of an uploaded image follows PUBLIC_BASE_URL; if that is not set, it keeps the address
    that the site had at the upload.
    """
    if campaign.image and settings.PUBLIC_BASE_URL:
        return stored_picture_url(settings.PUBLIC_BASE_URL, str(campaign.image))
    return campaign.image_url


def stored_picture_url(base: str, name: str) -> str:
    """The URL of the stored file `name` on the site at `base`."""
    return f"{base.rstrip('/')}{settings.MEDIA_URL}{name}"


def is_picture_reachable(campaign: Campaign) -> bool:
    """Whether the gateway can fetch the campaign's image."""
    return web_addresses.is_reachable(picture_url(campaign))


def store_picture(
    upload: Upload, actor: User | None, square: bool = False, crop: Crop | None = None
) -> Picture:
    """Add an uploaded file to the library; `square` crops it to `crop`, or else to its middle.

    Raises ValidationError, whose text says what to do.
    """
    if (upload.size or 0) > UPLOAD_MAX:
        raise ValidationError(
            _("The file is larger than 20 MB. Scale the image down: 800 × 800 pixels is enough.")
        )
    encoded = encode_picture(upload, square, crop)
    picture = Picture(
        title=(upload.name or "").rsplit(".", 1)[0][:100],
        width=encoded.width,
        height=encoded.height,
        size=len(encoded.content),
        created_by=actor,
    )
    picture.file.save(f"{secrets.token_hex(16)}.{encoded.ending}", ContentFile(encoded.content))
    audit.record(actor, picture, "uploaded", picture.title)
    return picture


def encode_picture(
    file: IO[bytes] | Upload, square: bool = False, crop: Crop | None = None
) -> EncodedPicture:
    """Encode `file` anew as a JPEG or PNG of at most 800 pixels a side. Raises ValidationError."""
    image = _open(file)
    _check_sides(image.width, image.height)
    kind = image.format or ""
    try:
        pixels = _prepare(image, kind, square, crop)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValidationError(
            _("The image is damaged. Open it on your computer and save it again.")
        ) from error
    content = _encode(pixels, kind)
    if len(content) > SIZE_STORED_MAX:
        raise ValidationError(
            _("The image is larger than 2 MB even when scaled down. Save it as JPEG.")
        )
    return EncodedPicture(content, EXTENSIONS[kind], pixels.width, pixels.height)


def _open(file: IO[bytes] | Upload) -> Image.Image:
    """Read the size of the image; no pixel is decoded yet."""
    try:
        return Image.open(file, formats=list(EXTENSIONS))
    except Image.DecompressionBombError as error:
        raise ValidationError(_too_large_text()) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise ValidationError(_("This file is not a JPEG or PNG image.")) from error


def _too_large_text() -> str:
    return _("The image has more than 4000 pixels on one side. Scale it down to 800 × 800.")


def _check_sides(width: int, height: int) -> None:
    if max(width, height) > SIDE_MAX:
        raise ValidationError(_too_large_text())
    if min(width, height) < SIDE_MIN:
        raise ValidationError(
            _(
                "The image is %(width)d × %(height)d pixels. Use at least 64 pixels on each side,"
                " better 400 to 800."
            )
            % {"width": width, "height": height}
        )


def _prepare(image: Image.Image, kind: str, square: bool, crop: Crop | None) -> Image.Image:
    """Turn the image upright, convert its colours, crop it, and scale it to what Viber shows."""
    pixels = ImageOps.exif_transpose(image)
    transparent = kind == "PNG" and (
        pixels.mode in ("RGBA", "LA", "PA") or "transparency" in pixels.info
    )
    pixels = pixels.convert("RGBA" if transparent else "RGB")
    if square and crop:
        pixels = pixels.crop(crop.box(*pixels.size))
    elif square:
        side = min(pixels.size)
        pixels = ImageOps.fit(pixels, (side, side))
    pixels.thumbnail((SIDE_STORED_MAX, SIDE_STORED_MAX), Image.Resampling.LANCZOS)
    return pixels


def _encode(pixels: Image.Image, kind: str) -> bytes:
    buffer = BytesIO()
    clean = Image.new(pixels.mode, pixels.size)  # a new image, without the metadata of the old one
    clean.paste(pixels)
    if kind == "JPEG":
        clean.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
    else:
        clean.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
