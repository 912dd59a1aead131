"""Links to a page with a table, and the address of the table itself.

The rules of each service:

- Google Sheets: `/export?format=csv` of a sheet that everybody with the link may read, and
  `/pub?output=csv` of one that is published (File > Share > Publish to web)
- Dropbox: `dl=1` (help.dropbox.com, "How to force a shared link to download")
- Nextcloud and ownCloud: `/download` behind the link of a shared file
"""

import re
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

GOOGLE_SHEET = re.compile(
    r"(?:/a/[^/]+)?/spreadsheets(?:/u/\d+)?/d/(?P<id>(?:e/)?[\w-]+)(?:/(?P<page>[^/]*))?/?"
)
SHEETS_READY = ("export", "gviz")  # addresses of a table already
NEXTCLOUD_SHARE = re.compile(r"(?:.*/)?s/[A-Za-z0-9]{15}/?")  # their tokens have 15 characters
FILE_NAME = re.compile(r"[^/]{1,60}\.[A-Za-z0-9]{1,5}")


def table_address(address: str) -> str:
    """The address of the table that the link `address` leads to; `address` itself if none is
    known.
    """
    try:
        parts = urlsplit(address.strip())
        host = (parts.hostname or "").lower()
    except ValueError:
        return address
    if host == "docs.google.com" and (sheet := GOOGLE_SHEET.fullmatch(parts.path)):
        return _google_sheet(parts, sheet)
    if host in ("dropbox.com", "www.dropbox.com") and parts.path.startswith(("/s/", "/scl/fi/")):
        query = dict(parse_qsl(parts.query))
        query.pop("raw", None)
        return parts._replace(query=urlencode(query | {"dl": "1"}), fragment="").geturl()
    if NEXTCLOUD_SHARE.fullmatch(parts.path) and not parts.query:
        path = parts.path.rstrip("/") + "/download"
        return parts._replace(path=path, fragment="").geturl()
    return address.strip()


def _google_sheet(parts: SplitResult, sheet: re.Match[str]) -> str:
    query = dict(parse_qsl(parts.query))
    if sheet["page"] in SHEETS_READY or (sheet["page"] == "pub" and "output" in query):
        return parts._replace(fragment="").geturl()
    # the page shows the sheet that the fragment names, whatever the query says
    gid = dict(parse_qsl(parts.fragment)).get("gid") or query.get("gid", "")
    chosen = {"gid": gid} if gid.isdecimal() else {}
    if sheet["id"].startswith("e/"):
        single = {"single": "true"} if chosen else {}
        page, asked = "pub", {**chosen, **single, "output": "csv"}
    else:
        page, asked = "export", {"format": "csv", **chosen}
    return f"https://docs.google.com/spreadsheets/d/{sheet['id']}/{page}?{urlencode(asked)}"


def shown_address(address: str) -> str:
    """What pages and e-mails show of an address: host and file name. Whoever knows the rest of a
    share link can read the file.
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return ""
    folder, _slash, name = unquote(parts.path).rpartition("/")
    shown = name if FILE_NAME.fullmatch(name) else ""
    between = "/…/" if folder.strip("/") or not shown else "/"
    return f"{host}{between}{shown}" if parts.path.strip("/") else host
