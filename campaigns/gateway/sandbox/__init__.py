"""The sandbox: a server of its own that speaks the gateway's contract, sends nothing and charges
nobody.

Every documented error code is provoked by the input that causes it:

    code  input
    1     a key that begins neither with live_ nor test_
    2     the key live_blocked
    3     messages, to, text, alpha_name or is_promotional missing or empty
    4     an address or method that does not exist
    5     the fault error5
    6     tariff 3 to 8, or one that is not 0 to 9
    7     a body that is not JSON, a tariff not an integer
    8     a price above the balance and the credit of 10; the fault error8_after
    9     tariff 9
    10    a scheduledDatetime in the past, without an offset, or not ISO 8601
    11    the faults error11 and parallel
    12    over 50 recipients
    40    asking for a message that was never accepted
    41    a phone that is not 8 to 15 digits, or begins with 0
    43    a reference that was accepted before
    44    a field of a wrong type, or one that does not exist; callback_url without references
    45    a sender that begins with Unregistered, is empty, or has over 14 characters
    46    a text that is empty or over 1000 characters
    47    a reference that is not up to 32 letters and digits
    48    a validity that is not 15 to 86400
    49    image, button or SMS fallback against the rules
    51    the same phone twice in a request
    401   no key
    403   the key live_forbidden
    429   the fault http429
    500   the faults http500 and http500_after
"""

from campaigns.gateway.sandbox.server import Sandbox

__all__ = ["Sandbox"]
