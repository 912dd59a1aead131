"""What each of the main pages may cost a browser.

test_page_budgets.py keeps LAYOUT_SHIFT and KILOBYTES; how long pages block a slow phone depends on
the machine, so `make bench-pages` prints it as a ratio to BLOCKING_MS.
"""

LAYOUT_SHIFT = 0.05  # at most, of the whole of a visit
BLOCKING_MS = 200  # at most, of a visit with a processor SLOWER times as slow
SLOWER = 4
# What a first visit loads at most of page, styles, scripts, fonts and icons, compressed as
# production serves it; 1 KB is 1,024 bytes. The composer's own script and Chart.js are above 150.
KILOBYTES = {
    "dashboard": 150,
    "campaign list": 150,
    "campaign": 150,
    "composer": 175,
    "review": 150,
    "contact list": 150,
    "spend": 200,
    "stop list": 150,
    "settings": 150,
}
