"""The images of messages: checked, re-encoded, stored, and reachable for the gateway.

The uploaded file itself is never stored, only a new encoding of its pixels: no EXIF, no location,
nothing hidden behind the image.
"""

import secrets
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _
from PIL import ExifTags, Image, ImageOps, PngImagePlugin
from pillow_heif import register_heif_opener

from campaigns.compose.message import picture_containers, web_addresses
from campaigns.compose.message.picture_colours import to_srgb
from campaigns.compose.message.picture_containers import Container
from campaigns.compose.models import Campaign, Picture
from campaigns.team import audit
from campaigns.team.models import User

if TYPE_CHECKING:
    Upload = UploadedFile[bytes]
else:
    Upload = UploadedFile

EXTENSIONS = {"JPEG": "jpg", "PNG": "png"}
# JPEG includes MPO, which has more pictures behind the first. HEIF is what phones call HEIC.
READABLE = ("JPEG", "PNG", "WEBP", "HEIF")
UPLOAD_MAX = 20 * 1024 * 1024  # bytes of the uploaded file
SIDE_MIN = 64  # pixels of the uploaded image
# Width times height, which bounds the memory that an upload can take. The pixels of a WebP image,
# and of a HEIC image that no camera writes, are held several times at once.
PIXELS_MAX, PIXELS_MAX_COSTLY = 50_000_000, 20_000_000
SIDE_STORED_MAX = 800  # pixels; Viber shows no more
SIZE_STORED_MAX = 2 * 1024 * 1024  # bytes
SIZE_RECOMMENDED = 400 * 1024  # bytes
JPEG_QUALITY = 85
ORIENTATION = ExifTags.Base.Orientation
Image.init()  # Pillow knows WebP only once all of its formats are loaded
PngImagePlugin.MAX_TEXT_CHUNK = 8 * 1024 * 1024  # bytes; editors write more than Pillow's 1 MB
# The image itself is read, never the smaller copies and depth maps beside it.
register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


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
    require_size(upload)
    encoded = encode_picture(upload, square, crop)
    picture = Picture(
        title=(upload.name or "").rsplit(".", 1)[0][:100],
        width=encoded.width,
        height=encoded.height,
        size=len(encoded.content),
        created_by=actor,
    )
    name = f"{secrets.token_hex(16)}.{encoded.ending}"
    with transaction.atomic():
        picture.file.save(name, ContentFile(encoded.content))
        audit.record(actor, picture, "uploaded", picture.title)
    return picture


def require_size(upload: Upload) -> None:
    """Raise ValidationError for a file that is too large to be read."""
    if (upload.size or 0) > UPLOAD_MAX:
        raise ValidationError(
            _("The file is larger than 20 MB. Scale the image down: 800 × 800 pixels is enough.")
        )


def encode_picture(
    file: IO[bytes] | Upload, square: bool = False, crop: Crop | None = None
) -> EncodedPicture:
    """Encode `file` anew as a JPEG or PNG of at most 800 pixels a side. Raises ValidationError.

    Of several pictures in one file, the first is taken, of a HEIC file its primary one.
    """
    image = _open(file)
    _check_size(image.width, image.height, _most_pixels(image))
    try:
        pixels = _prepare(image, square, crop)
    except UNREADABLE as error:
        raise ValidationError(_damaged_text()) from error
    stored_as = "PNG" if image.format == "PNG" or pixels.mode == "RGBA" else "JPEG"
    content = _encode(pixels, stored_as)
    if len(content) > SIZE_STORED_MAX:
        raise ValidationError(
            _("The image is larger than 2 MB even when scaled down. Save it as JPEG.")
        )
    return EncodedPicture(content, EXTENSIONS[stored_as], pixels.width, pixels.height)


# what Pillow and libheif raise for damaged files, depending on where the damage is
UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    struct.error,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    RuntimeError,
    Image.DecompressionBombError,
)


def _open(file: IO[bytes] | Upload) -> Image.Image:
    """Read the size of the image; no pixel is decoded yet."""
    container = picture_containers.examine(file)
    if container is Container.AVIF:
        raise ValidationError(_("This is an AVIF image, which can't be read. Save it as JPEG."))
    if container is Container.OTHER:
        raise ValidationError(_("This file is not a JPEG, PNG, WebP or HEIC image."))
    if container is Container.HEIC_CUT_OFF:
        raise ValidationError(_damaged_text())
    try:
        return _open_any_png(file) if container is Container.PNG else _open_with_pillow(file)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValidationError(_too_large_text(PIXELS_MAX)) from error
    except UNREADABLE as error:
        raise ValidationError(_damaged_text()) from error


def _open_with_pillow(file: IO[bytes] | Upload) -> Image.Image:
    return Image.open(file, formats=READABLE)


def _open_any_png(file: IO[bytes] | Upload) -> Image.Image:
    try:
        return _open_with_pillow(file)
    except (OSError, SyntaxError, ValueError):  # also for what Pillow can't read beside the pixels
        return _open_with_pillow(picture_containers.png_of_pixels(file))


def _damaged_text() -> str:
    return _("The image is damaged. Open it on your computer and save it again.")


def _most_pixels(image: Image.Image) -> int:
    """How many pixels `image` may have, by the memory that its format takes for each."""
    if image.format == "HEIF" and image.mode == "RGB" and image.info.get("chroma") == 420:
        return PIXELS_MAX  # as cameras write it
    return PIXELS_MAX_COSTLY if image.format in ("HEIF", "WEBP") else PIXELS_MAX


def _too_large_text(most: int) -> str:
    message = _(
        "The image has more than %(most)d megapixels. Scale it down: 800 × 800 pixels is enough."
    )
    return message % {"most": most // 1_000_000}


def _check_size(width: int, height: int, most: int) -> None:
    if width * height > most:
        raise ValidationError(_too_large_text(most))
    if min(width, height) < SIDE_MIN:
        raise ValidationError(
            _(
                "The image is %(width)d × %(height)d pixels. Use at least 64 pixels on each side,"
                " better 400 to 800."
            )
            % {"width": width, "height": height}
        )


def _prepare(image: Image.Image, square: bool, crop: Crop | None) -> Image.Image:
    """Shrink the image, turn it upright, crop it, convert its colours, and scale it to what Viber
    shows.
    """
    pixels = _shrink(image, crop.side if square and crop else 100)
    ImageOps.exif_transpose(pixels, in_place=True)
    if square:
        pixels = pixels.crop(crop.box(*pixels.size) if crop else _middle(*pixels.size))
    pixels = to_srgb(pixels)
    pixels.thumbnail((SIDE_STORED_MAX, SIDE_STORED_MAX), Image.Resampling.LANCZOS)
    return pixels


def _middle(width: int, height: int) -> tuple[int, int, int, int]:
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def _shrink(image: Image.Image, used: float) -> Image.Image:
    """Reduce a very large image to no less than twice the pixels that are stored, so that the next
    steps take little memory. A JPEG is not even decoded in full.

    `used` is the part of its shorter side that is kept, in per cent.
    """
    enough = round(2 * SIDE_STORED_MAX * 100 / used)
    image.draft(None, (enough, enough))  # does nothing to other formats
    image.load()
    factor = min(image.size) // enough
    if factor < 2 or image.mode in ("1", "P", "PA") or "transparency" in image.info:
        return image  # neighbours of these can't be averaged
    smaller = (image.convert("I") if image.mode.startswith("I;") else image).reduce(factor)
    smaller.info = image.info
    if (orientation := image.getexif().get(ORIENTATION)) is not None:
        smaller.getexif()[ORIENTATION] = orientation
    return smaller


def _encode(pixels: Image.Image, kind: str) -> bytes:
    buffer = BytesIO()
    clean = Image.new(pixels.mode, pixels.size)  # a new image, without the metadata of the old one
    clean.paste(pixels)
    if kind == "JPEG":
        clean.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
    else:
        clean.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
