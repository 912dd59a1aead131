"""Count the SMS parts that the sandbox bills, independently of the composer's count."""

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = frozenset("^{}\\[~]|€\f")
GSM_SINGLE, GSM_PART = 160, 153  # septets
UCS2_SINGLE, UCS2_PART = 70, 67  # UTF-16 units


def is_gsm(text: str) -> bool:
    """Whether GSM-7 has all characters of `text`."""
    return all(character in GSM_BASIC or character in GSM_EXTENDED for character in text)


def sms_parts(text: str) -> int:
    """How many parts `text` takes, in GSM-7 if possible, else UCS-2; none splits a character."""
    if is_gsm(text):
        return _parts(
            [2 if character in GSM_EXTENDED else 1 for character in text], GSM_SINGLE, GSM_PART
        )
    return _parts([2 if character > "\uffff" else 1 for character in text], UCS2_SINGLE, UCS2_PART)


def _parts(units: list[int], single: int, part: int) -> int:
    if sum(units) <= single:
        return 1
    parts, used = 1, 0
    for unit in units:
        if used + unit > part:
            parts, used = parts + 1, 0
        used += unit
    return parts
