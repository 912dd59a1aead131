"""The link of the button: its UTM parameters and its host in punycode.

A link may hold merge tags, so it stays text: nothing in it is decoded and encoded again.
"""

from collections.abc import Mapping
from urllib.parse import quote, unquote_plus

from campaigns.compose.message import web_addresses

UTM_NAMES = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
SAFE = "{}|"  # the characters of merge tags, which parameters may contain


def _split(url: str) -> tuple[str, list[str], str]:
    """Split `url` into the part before the "?", the parameters, and the fragment with its "#"."""
    rest, sign, fragment = url.partition("#")
    address, _mark, query = rest.partition("?")
    return address, [parameter for parameter in query.split("&") if parameter], sign + fragment


def read_utm(url: str) -> dict[str, str]:
    """The UTM parameters of `url`, decoded."""
    pairs = (parameter.partition("=") for parameter in _split(url)[1])
    return {name: unquote_plus(value) for name, _sign, value in pairs if name in UTM_NAMES}


def set_utm(url: str, values: Mapping[str, str]) -> str:
    """Set the UTM parameters `values` in `url`, existing ones in place; an empty value removes."""
    if not url or not values:
        return url
    address, parameters, fragment = _split(url)
    unset = {name: f"{name}={quote(value, safe=SAFE)}" for name, value in values.items() if value}
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
