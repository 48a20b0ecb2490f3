#!/bin/sh
# Builds what the image carries, under $AUDIENCE_HOME, from the folder it is called in: build.sh dependencies|project
# Two verbs, two layers: the first changes only with a lock. `make image-check` runs both outside of an image.
set -eu
builder=$AUDIENCE_HOME.builder
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1

case $1 in
dependencies)
    # pip and setuptools live in the builder's environment, so that the image has neither.
    python3 -m venv "$builder"
    python3 -m venv --without-pip "$AUDIENCE_HOME"
    "$builder/bin/pip" install --quiet --require-hashes -r requirements/build.txt
    "$builder/bin/pip" --python "$AUDIENCE_HOME/bin/python" install --quiet --require-hashes -r requirements/server.txt
    ;;
project)
    "$builder/bin/pip" wheel --quiet --no-deps --no-build-isolation --wheel-dir "$builder/wheels" .
    "$builder/bin/pip" --python "$AUDIENCE_HOME/bin/python" install --quiet --no-deps --no-index "$builder"/wheels/*.whl
    # The root filesystem may be read-only: bytecode is written now, and trusted whatever the files' times are then.
    "$AUDIENCE_HOME/bin/python" -m compileall -q -j 0 --invalidation-mode unchecked-hash "$AUDIENCE_HOME/lib"
    ;;
*)
    echo "build.sh dependencies|project" >&2
    exit 2
    ;;
esac
