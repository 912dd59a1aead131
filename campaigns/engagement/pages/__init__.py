"""Pages for users about what recipients do: the sign-up page of a list."""
