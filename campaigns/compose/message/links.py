"""The link of the button: its UTM parameters, and its host as the network knows it.

A link may hold merge tags, so it is handled as text: nothing in it is decoded and encoded again.
"""

from collections.abc import Mapping
from urllib.parse import quote, unquote_plus

from campaigns.compose.message import web_addresses

UTM_NAMES = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
SAFE = "{}|"  # a merge tag may stand in a parameter


def _parts(url: str) -> tuple[str, list[str], str]:
    """`url` as what stands before the question mark, its parameters, and the fragment with its
    sign.
    """
    rest, sign, fragment = url.partition("#")
    address, _mark, query = rest.partition("?")
    return address, [one for one in query.split("&") if one], sign + fragment


def read_utm(url: str) -> dict[str, str]:
    """The UTM parameters of `url`, as a person writes them."""
    pairs = (one.partition("=") for one in _parts(url)[1])
    return {name: unquote_plus(value) for name, _sign, value in pairs if name in UTM_NAMES}


def set_utm(url: str, wanted: Mapping[str, str]) -> str:
    """`url` with the UTM parameters `wanted`: where it has one, in its place; an empty one is taken
    out.
    """
    if not url or not wanted:
        return url
    address, parameters, fragment = _parts(url)
    left = {name: f"{name}={quote(value, safe=SAFE)}" for name, value in wanted.items() if value}
    found = []
    for parameter in parameters:
        name = parameter.partition("=")[0]
        if name not in wanted:
            found.append(parameter)
        elif name in left:
            found.append(left.pop(name))
    query = "&".join([*found, *left.values()])
    return f"{address}?{query}{fragment}" if query else f"{address}{fragment}"


def remove_utm(url: str) -> str:
    """`url` without its UTM parameters."""
    return set_utm(url, dict.fromkeys(UTM_NAMES, ""))


def punycode_host(url: str) -> str:
    """The host of `url` in punycode, where that looks different: what people may be fooled by. Else
    empty.
    """
    host = web_addresses.host_of(url)
    name = web_addresses.punycode(host)
    return name if name and name != host.lower() else ""
