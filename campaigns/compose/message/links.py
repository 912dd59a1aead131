"""The link of the button: its UTM parameters and its host in punycode.

A link may hold merge tags, so it stays text: nothing in it is decoded and encoded again, and what
stands inside of a tag neither ends a parameter nor is encoded. `render` encodes values and fallback
values when it fills the tags in.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, unquote_plus

from campaigns.compose.message import web_addresses
from campaigns.compose.message.merge_tags import split_at_tags

UTM_NAMES = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
SAFE = "{}|"  # braces that belong to no tag, which launch.checks has to see
_HIDDEN = {ord(sign): 0xE000 + place for place, sign in enumerate("#?&=")}  # while a link is split
_SHOWN = {code: sign for sign, code in _HIDDEN.items()}
_ENTITY = re.compile("&(?:(?:amp|#38|#038|#x26);)+", re.IGNORECASE)


def read_pasted(url: str) -> str:
    """`url` as it was meant: "&amp;", of a page's source, is "&", escaped twice too."""
    return _ENTITY.sub("&", url)


def _split(url: str) -> tuple[str, list[str], str]:
    """Split `url` into the part before the "?", the parameters, and the fragment with its "#"."""
    hidden = "".join(
        piece.translate(_HIDDEN) if is_tag else piece for piece, is_tag in split_at_tags(url)
    )
    rest, sign, fragment = hidden.partition("#")
    address, _mark, query = rest.partition("?")
    parameters = [parameter.translate(_SHOWN) for parameter in query.split("&") if parameter]
    return address.translate(_SHOWN), parameters, (sign + fragment).translate(_SHOWN)


def read_utm(url: str) -> dict[str, str]:
    """The UTM parameters of `url`, decoded."""
    pairs = (parameter.partition("=") for parameter in _split(url)[1])
    return {name: _decoded(value) for name, _sign, value in pairs if name in UTM_NAMES}


def _decoded(value: str) -> str:
    """Also fallback values are decoded: links of earlier versions hold encoded ones."""
    return "".join(
        unquote(piece) if is_tag else unquote_plus(piece) for piece, is_tag in split_at_tags(value)
    )


def _encoded(value: str) -> str:
    """`value` with each character encoded once, also where it was pasted in encoded form."""
    return "".join(
        piece if is_tag else quote(_unquoted(piece), safe=SAFE)
        for piece, is_tag in split_at_tags(value)
    )


def _unquoted(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return text


def set_utm(url: str, values: Mapping[str, str]) -> str:
    """Set the UTM parameters `values` in `url`, existing ones in place; an empty value removes."""
    if not url or not values:
        return url
    address, parameters, fragment = _split(url)
    unset = {name: f"{name}={_encoded(value)}" for name, value in values.items() if value}
    kept = []
    for parameter in parameters:
        name = parameter.partition("=")[0]
        if name not in values:
            kept.append(parameter)
        elif name in unset:
            kept.append(unset.pop(name))
    query = "&".join([*kept, *unset.values()])
    return f"{address}?{query}{fragment}" if query else f"{address}{fragment}"


def remove_utm(url: str) -> str:
    """Remove the UTM parameters from `url`."""
    return set_utm(url, dict.fromkeys(UTM_NAMES, ""))


def punycode_host(url: str) -> str:
    """The host of `url` in punycode if that differs from the host as written, else "".

    A host in foreign letters may imitate a known one.
    """
    host = web_addresses.host_of(url)
    name = web_addresses.punycode(host)
    return name if name and name != host.lower() else ""
