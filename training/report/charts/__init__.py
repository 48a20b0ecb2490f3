"""Charts as SVG and HTML that follow the page's colours, in light, dark and print."""
