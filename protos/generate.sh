#!/bin/sh
# Writes the Python code and stubs of every contract under a folder: protos/generate.sh PYTHON FOLDER
# PYTHON is that of an environment made from requirements/protos.txt. Run from the repository's root.
set -eu
python=$1
folder=$2
PATH="$(dirname "$python"):$PATH" # protoc finds its plugins there
export PATH LC_ALL=C

mkdir -p "$folder"
every=$(find protos -name '*.proto' | sort)
# A contract without a service would get an empty _pb2_grpc module.
services=$(echo "$every" | xargs grep -l '^service ')

# shellcheck disable=SC2086 # the lists are split on purpose; no name here has a space
"$python" -m grpc_tools.protoc -I. --python_out="$folder" --mypy_out=quiet:"$folder" $every
# shellcheck disable=SC2086
"$python" -m grpc_tools.protoc -I. --grpc_python_out="$folder" --mypy_grpc_out=quiet:"$folder" $services
