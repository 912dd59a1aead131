"""The sandbox: a server of its own that speaks the gateway's contract, sends nothing and charges nobody.

Every documented error code is provoked by the input that causes it:

    code  input                                              code  input
    1     a key that begins neither with live_ nor test_     41    a phone that is not 8 to 15 digits, or begins with 0
    2     the key live_blocked                               43    a reference that was accepted before
    3     messages, to, text, alpha_name or is_promotional   44    a field of a wrong type, or one that does not exist;
          missing or empty                                         callback_url without references
    4     an address or method that does not exist           45    a sender that begins with Unregistered, is empty, or
    5     the fault error5                                         has over 14 characters
    6     tariff 3 to 8, or one that is not 0 to 9           46    a text that is empty or over 1000 characters
    7     a body that is not JSON, a tariff not an integer   47    a reference that is not up to 32 letters and digits
    8     a price above the balance and the credit of 10;    48    a validity that is not 15 to 86400
          the fault error8_after                             49    image, button or SMS fallback against the rules
    9     tariff 9                                           51    the same phone twice in a request
    10    a scheduledDatetime in the past, without an        401   no key
          offset, or not ISO 8601                            403   the key live_forbidden
    11    the faults error11 and parallel                    429   the fault http429
    12    over 50 recipients                                 500   the faults http500 and http500_after
    40    asking for a message that was never accepted
"""

from campaigns.gateway.sandbox.server import Sandbox

__all__ = ["Sandbox"]
