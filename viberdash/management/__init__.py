"""Django looks for the commands here."""
