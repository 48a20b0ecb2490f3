"""python -m server --repository DIR, or python -m server models COMMAND."""

import sys

from server.signals import handle_signals

if __name__ == "__main__":
    if sys.argv[1:2] == ["models"]:
        from server.administration import command

        sys.exit(command.main(sys.argv[2:]))
    stop = handle_signals()  # before the imports below, so that none is lost
    from server import settings, supervisor

    sys.exit(supervisor.run(settings.parse(sys.argv[1:]), stop))
