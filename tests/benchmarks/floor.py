"""Builds the floor: the C++ server that others are divided by, and the Python code of its contract."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.errors import Unavailable
from tests.benchmarks.places import CONTRACT, FLOOR, FLOOR_SOURCE, PROTOC

# What the build calls, and the Debian package that has it.
_COMMANDS = {
    "g++": "g++",
    "make": "make",
    "pkg-config": "pkg-config",
    "protoc": "protobuf-compiler",
    "grpc_cpp_plugin": "protobuf-compiler-grpc",
}
_LIBRARIES = {"grpc++": "libgrpc++-dev", "protobuf": "libprotobuf-dev"}


def build() -> Path:
    """The floor's program, compiled when it is not up to date.

    Raises:
        Unavailable: Debian packages are missing, or the compiler failed; with what to install.
    """
    if packages := missing_packages():
        raise Unavailable(f"the floor is not built: apt-get install {' '.join(packages)}")
    command = ["make", "-C", str(FLOOR_SOURCE), f"BUILD={FLOOR}", f"PYTHON={sys.executable}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Unavailable(f"the floor is not built: {' '.join(command)} fails: {result.stderr.strip()[-500:]}")
    return FLOOR / "limit"


def missing_packages() -> list[str]:
    """Debian packages that have to be installed before the floor can be built, by name."""
    commands = [package for command, package in _COMMANDS.items() if shutil.which(command) is None]
    if "pkg-config" in commands:
        return sorted({*commands, *_LIBRARIES.values()})
    libraries = [package for library, package in _LIBRARIES.items() if not _has_library(library)]
    return sorted({*commands, *libraries})


def _has_library(name: str) -> bool:
    return subprocess.run(["pkg-config", "--exists", name], check=False).returncode == 0


def library_version() -> str | None:
    """Version of gRPC's C++ library, which the floor is made with; None when it is not there."""
    if shutil.which("pkg-config") is None:
        return None
    result = subprocess.run(["pkg-config", "--modversion", "grpc++"], capture_output=True, text=True, check=False)
    return result.stdout.strip() or None


def generate_contract() -> None:
    """Writes the Python code of limit.proto, for clients and for the server of the grpcio examples.

    Raises:
        Unavailable: the code generator's environment is not there.
    """
    if not PROTOC.exists():
        raise Unavailable(f"{PROTOC} is not there, which generates code: start with `make bench`, which makes it")
    CONTRACT.mkdir(parents=True, exist_ok=True)
    outputs = [f"--python_out={CONTRACT}", f"--grpc_python_out={CONTRACT}"]
    subprocess.run([PROTOC, "-m", "grpc_tools.protoc", f"-I{FLOOR_SOURCE}", *outputs, "limit.proto"], check=True)
