import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_generated_code_is_what_the_contracts_give(protoc_python: Path, tmp_path: Path) -> None:
    """The committed modules and stubs are, byte for byte, what `make protos` would write now."""
    subprocess.run(["sh", "protos/generate.sh", protoc_python, tmp_path], cwd=ROOT, check=True)

    committed, fresh = _generated(ROOT), _generated(tmp_path)
    stale = sorted(name for name in committed.keys() | fresh.keys() if committed.get(name) != fresh.get(name))

    assert stale == [], "run `make protos`"


def _generated(root: Path) -> dict[str, bytes]:
    """Contents of the generated files under root/protos, by path."""
    paths = (path for pattern in ("*_pb2.py*", "*_pb2_grpc.py*") for path in (root / "protos").rglob(pattern))
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}
