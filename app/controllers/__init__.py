"""What joins the panels: each controller owns one part of the window's state."""
