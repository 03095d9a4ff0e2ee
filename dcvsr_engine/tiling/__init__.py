"""Spatio-temporal tiles: pure geometry (`grid`) and Gaussian split and merge (`blend`)."""
