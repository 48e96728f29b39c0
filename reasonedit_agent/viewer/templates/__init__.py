"""Templates, styles and scripts of the page."""
