"""What a recipient sees: message_preview, the message of one recipient as a phone shows it, and
text_pieces, its text as Viber draws it.
"""
