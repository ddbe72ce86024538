"""Charts, each defined once: for the files that the command line writes and for the page."""
