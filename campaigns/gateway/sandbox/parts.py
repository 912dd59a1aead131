"""How many SMS parts a text takes: what the sandbox bills. Counted here independently of the
composer's own count.
"""

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = frozenset("^{}\\[~]|€\f")
GSM_ALONE, GSM_PART = 160, 153  # septets
UCS2_ALONE, UCS2_PART = 70, 67  # UTF-16 units


def is_gsm(text: str) -> bool:
    return all(character in GSM_BASIC or character in GSM_EXTENDED for character in text)


def sms_parts(text: str) -> int:
    """The parts of `text`: GSM-7 if every character is in it, else UCS-2. No character straddles
    two parts.
    """
    if is_gsm(text):
        return _parts(
            [2 if character in GSM_EXTENDED else 1 for character in text], GSM_ALONE, GSM_PART
        )
    return _parts([2 if character > "\uffff" else 1 for character in text], UCS2_ALONE, UCS2_PART)


def _parts(units: list[int], alone: int, part: int) -> int:
    if sum(units) <= alone:
        return 1
    parts, used = 1, 0
    for unit in units:
        if used + unit > part:
            parts, used = parts + 1, 0
        used += unit
    return parts
