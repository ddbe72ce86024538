"""What people are shown of an answer, on a terminal and on a page alike: columns, cells, safe text."""
