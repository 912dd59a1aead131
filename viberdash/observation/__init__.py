"""What is observed of each request: how many there are, and how long they take."""
