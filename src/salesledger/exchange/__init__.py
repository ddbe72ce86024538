"""Files of other systems, in and out."""
