import subprocess
import sys
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.house.imports import OURS, misplaced, providers, undeclared
from tests.house.project import ROOT, dependencies

COMMAND = 'if __name__ == "__main__":\n    main()\n'


def modules(package: str) -> list[Path]:
    """Every module of one of our packages, relative to the root."""
    return sorted(path.relative_to(ROOT) for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", OURS)
def test_imports_follow_the_direction(package: str) -> None:
    """Nothing imports against the arrows, and gRPC and ONNX stay where they belong."""
    assert modules(package)
    assert [fault for path in modules(package) for fault in misplaced(str(path), (ROOT / path).read_text())] == []


@pytest.mark.parametrize(
    ("package", "extras"),
    [("protos", ()), ("server", ()), ("training", ("training",)), ("loadtest", ("loadtest",))],
)
def test_imports_are_declared(package: str, extras: tuple[str, ...]) -> None:
    """Whoever installs the project with a package's own extra, none for the server, can import all of it."""
    declared = {canonicalize_name(one.name) for one in dependencies(*extras)}
    faults = [
        fault for path in modules(package) for fault in undeclared(str(path), (ROOT / path).read_text(), declared)
    ]

    assert faults == []


@pytest.mark.parametrize("package", [*OURS, "tests"])
def test_every_folder_with_modules_is_a_package(package: str) -> None:
    """Type checkers, builds and relative paths agree on what a module is called."""
    modules_ = [path for path in (ROOT / package).rglob("*.py") if "node_modules" not in path.parts]
    folders = {folder for path in modules_ for folder in path.parents if folder.is_relative_to(ROOT / package)}

    assert [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("protos/a.py", "import server"),
        ("server/a.py", "import training"),
        ("server/a.py", "from training.segments import fit"),
        ("server/a.py", "from loadtest import run"),
        ("server/a.py", "from tests.house import project"),
        ("server/a.py", "from ..training import fit"),
        ("server/a.py", "def late():\n    import training.fit as fit"),
        ("server/a.py", "import importlib\nimportlib.import_module('training.fit')"),
        ("training/a.py", "import loadtest"),
        ("loadtest/a.py", "import server.model"),
        ("loadtest/a.py", "import training"),
        ("server/heads.py", "import grpc"),
        ("server/heads.py", "from grpc import StatusCode"),
        ("server/heads.py", "from grpc_health.v1 import health"),
        ("training/fit.py", "import grpc"),
        ("server/transport.py", "import grpc"),
        ("server/heads.py", "import onnxruntime"),
        ("server/transport/threads.py", "import onnxruntime"),
        ("server/__main__.py", "import onnxruntime"),
        ("training/fit.py", "from skl2onnx import to_onnx"),
        ("training/fit.py", f"import onnx\n{COMMAND}"),
        ("loadtest/a.py", "import onnx"),
        ("server/bundle.py", "from cryptography.exceptions import InvalidSignature"),
        ("server/mirror.py", "from fsspec.core import url_to_fs"),
    ],
)
def test_import_against_the_house_is_found(path: str, source: str) -> None:
    """The check sees every way to write an import that is not allowed."""
    assert len(misplaced(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("server/a.py", "import protos.audience.v1.scoring_pb2"),
        ("server/a.py", "from . import errors"),
        ("training/a.py", "from server.schema import Schema"),
        ("training/a.py", "from protos.audience.v1 import bundle_pb2"),
        ("loadtest/a.py", "import grpc\nfrom protos.audience.v1 import scoring_pb2_grpc"),
        ("server/transport/threads.py", "import grpc"),
        ("server/models/service.py", "import grpc"),
        ("server/__main__.py", "import grpc"),
        ("server/healthcheck.py", f"import grpc\n{COMMAND}"),
        ("server/model.py", "import onnxruntime"),
        ("server/signature.py", "import cryptography"),
        ("training/export.py", "import onnx, skl2onnx"),
        ("training/export/forest.py", "import onnx"),
    ],
)
def test_import_along_the_arrows_passes(path: str, source: str) -> None:
    """What the house allows is not reported."""
    assert misplaced(path, source) == []


@pytest.mark.parametrize("module", ["server.supervisor", "server.worker", "server.control", "training.pipeline"])
def test_drivers_are_loaded_where_an_address_is_read_alone(module: str) -> None:
    """No process begins with what only a repository at an address needs."""
    check = f"import sys, {module}; sys.exit('fsspec' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=False).returncode == 0


def test_undeclared_import_is_found() -> None:
    """A library that happens to be installed, and one that is not, are both reported; ours and Python's are not."""
    source = "import json\nimport server\nimport numpy.typing\nimport sklearn.cluster\nimport nowhere"

    assert undeclared("server/a.py", source, {"numpy"}) == [
        "server/a.py imports nowhere",
        "server/a.py imports sklearn.cluster",
    ]


def test_provider_is_known_where_names_differ() -> None:
    """Modules are traced to the distribution that is written in pyproject.toml."""
    assert providers("grpc_health.v1") == {"grpcio-health-checking"}
    assert "protobuf" in providers("google.protobuf")
