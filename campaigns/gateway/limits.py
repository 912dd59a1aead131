"""What the gateway accepts, field by field (BSG API, Send)."""

import re

MAX_RECIPIENTS = 50  # in one request, all messages together
MSISDN = re.compile(r"[1-9][0-9]{7,14}")
REFERENCE = re.compile(r"[a-zA-Z0-9]{1,32}")
TEXT_MAX = 1000  # characters
SENDER_MAX = 14
CAPTION_MAX = 20
URL_MAX = 255
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tiff")
VALIDITY_MIN, VALIDITY_MAX = 15, 86_400  # seconds
TARIFF_MAX = 9
SMS_TEXT_MAX = 765  # septets: five GSM parts
SMS_SENDER_MIN = 3
SMS_SENDER_LETTERS_MAX = 11
SMS_SENDER_DIGITS_MAX = 15
