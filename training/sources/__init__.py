"""Records in files, read into the rows that heads are fitted to."""
