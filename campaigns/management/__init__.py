"""Django looks for the commands here; each is a thin shell around a function of its stage."""
