"""Finds what a hostile text added to a page: elements, attributes, addresses, template values."""

import re
from html.parser import HTMLParser

# No page has any of these; a hostile text tries to add most of them.
FOREIGN = frozenset(
    {
        "animate", "applet", "audio", "base", "embed", "frame", "frameset", "iframe", "isindex",
        "keygen", "marquee", "math", "object", "portal", "source", "style", "video", "zqx-a",
        "zqx-element",
    }
)  # fmt: skip
ADDRESS_ATTRIBUTES = frozenset(
    {
        "action", "background", "data", "formaction", "href", "hx-delete", "hx-get", "hx-patch",
        "hx-post", "hx-put", "poster", "src", "srcset", "xlink:href",
    }
)  # fmt: skip
SCRIPTS = ("/static/", "/admin/jsi18n/")  # where scripts come from
NAME = re.compile(r"[a-z][a-z0-9:_.@-]*")
SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:")
HARMLESS_SCHEMES = ("http:", "https:", "mailto:", "tel:")
IGNORED_BY_BROWSERS = re.compile(r"[\x00-\x20\x7f]+")
EVALUATED = "36481"  # 191 × 191, or 191 and 36,290


class Injections(HTMLParser):
    """`found`: what is on a page that none of ours has, each with the line."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._script = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in FOREIGN or not NAME.fullmatch(tag):
            self._complain(f"<{tag}>")
        for name, value in given.items():
            if name.startswith(("on", "hx-on")) or name in ("style", "srcdoc", "zqx"):
                self._complain(f"<{tag} {name}={value[:60]!r}>")
            elif not NAME.fullmatch(name):
                self._complain(f"<{tag} with the attribute {name[:60]!r}>")
            elif name in ADDRESS_ATTRIBUTES:
                self._check_address(tag, name, value)
        if tag == "script":
            self._script = given.get("type", "") or "text/javascript"
            if "json" not in self._script and not given.get("src", "").startswith(SCRIPTS):
                self._complain(f"<script src={given.get('src', '')[:60]!r}>")

    def _check_address(self, tag: str, name: str, value: str) -> None:
        address = IGNORED_BY_BROWSERS.sub("", value).lower()
        if tag == "img" and address.startswith("data:image/svg+xml;base64,"):
            return  # our own QR code; nothing runs in an image
        if SCHEME.match(address) and not address.startswith(HARMLESS_SCHEMES):
            self._complain(f"<{tag} {name}={value[:60]!r}>")
        elif tag != "a" and (address.startswith(("//", "/\\", "\\")) or SCHEME.match(address)):
            self._complain(f"<{tag} {name}={value[:60]!r}> leads elsewhere")

    def handle_data(self, text: str) -> None:
        if self._script and "json" not in self._script and text.strip():
            self._complain(f"script: {text[:60]!r}")
        if EVALUATED in text.replace(",", ""):
            self._complain(f"evaluated: {text[:60]!r}")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._script = ""

    def _complain(self, text: str) -> None:
        self.found.append(f"line {self.getpos()[0]}: {text}")
