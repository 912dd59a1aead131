"""What is wrong with the texts of a message: links, and placeholders of other programs."""
