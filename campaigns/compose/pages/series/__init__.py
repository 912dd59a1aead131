"""Campaigns -> Series: the list, the page of one, and the form that sets one up."""
