"""python -m server --repository DIR."""

import sys

from server.signals import handle_signals

if __name__ == "__main__":
    stop = handle_signals()  # before the imports below, so that none is lost
    from server import settings, supervisor

    sys.exit(supervisor.run(settings.parse(sys.argv[1:]), stop))
