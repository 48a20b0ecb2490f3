"""python -m server --repository DIR."""

import sys

from server import process, settings

if __name__ == "__main__":
    sys.exit(process.run(settings.parse(sys.argv[1:])))
