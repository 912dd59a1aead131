"""The colours of an image as browsers show them, whatever its file says of them.

Phones and browsers take a picture without a profile for sRGB, so what is stored is sRGB in 8 bits.
"""

from io import BytesIO

from PIL import Image, ImageCms

WORKING_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # by the colour space of a profile
DEEP_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N")  # grey in 16 bits, as PNG holds it
LEVELS = 65_536


def to_srgb(image: Image.Image) -> Image.Image:
    """`image` as RGB, or as RGBA if any of its pixels can be transparent."""
    profile = image.info.get("icc_profile")
    transparent = _may_be_transparent(image)
    if image.mode in DEEP_MODES:
        return _eight_bits(image)
    if not transparent:
        return _apply_profile(image, profile)
    pixels = image.convert("RGBA")
    if not profile:
        return pixels
    opaque = _apply_profile(pixels.convert("RGB"), profile)
    opaque.putalpha(pixels.getchannel("A"))
    return opaque


def _may_be_transparent(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey in 16 bits, each level divided by 257; Pillow itself would clip them at 255."""
    deep = image.convert("I")
    grey = deep.point([round(level / 257) for level in range(LEVELS)], "L")
    clear = image.info.get("transparency")
    if not isinstance(clear, int):
        return grey.convert("RGB")
    pixels = grey.convert("RGBA")
    pixels.putalpha(deep.point([0 if level == clear else 255 for level in range(LEVELS)], "L"))
    return pixels


def _apply_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    """`image` as RGB by its colour `profile`; one that does not belong to its mode is ignored."""
    if not profile:
        return image.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        working = _in_mode(image, WORKING_MODES.get(space, ""))
        if working is None:
            return image.convert("RGB")
        target = ImageCms.createProfile("sRGB")
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        converted = ImageCms.profileToProfile(working, source, target, intent, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image.convert("RGB")
    return converted or image.convert("RGB")


def _in_mode(image: Image.Image, mode: str) -> Image.Image | None:
    """`image` in the `mode` of its profile; None if the two don't go together."""
    if image.mode == mode:
        return image
    if mode == "RGB" and image.mode in ("1", "L", "P"):
        return image.convert("RGB")
    if mode == "L" and image.mode == "1":
        return image.convert("L")
    return None
