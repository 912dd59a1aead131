"""What is wrong with a message: its links, placeholders of other programs, and its variants."""
