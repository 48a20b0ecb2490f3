"""report.html: what a version answers and how well, on one page for those who use, judge and approve it."""
