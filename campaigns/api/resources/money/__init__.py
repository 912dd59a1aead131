"""Money: what was spent, the balance, and the limits of both."""
