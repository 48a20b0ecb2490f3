"""python -m server --repository DIR."""

import sys

from server.signals import handle_signals

if __name__ == "__main__":
    stop = handle_signals()  # before the imports below, which take a second
    from server import process, settings

    sys.exit(process.run(settings.parse(sys.argv[1:]), stop))
