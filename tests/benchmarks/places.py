"""Where the benchmark's things are."""

from tests.house.project import REQUIREMENTS, ROOT

WORK = ROOT / "build" / "bench"
RECORD = ROOT / "build" / "bench.json"
SWAP_RECORD = ROOT / "build" / "bench-swap.json"
TRAINING_WORK = ROOT / "build" / "bench-training"
TRAINING_RECORD = ROOT / "build" / "bench-training.json"
DATA = ROOT.parent / "shared" / "data"  # real records, which are no part of the project
FLOOR_SOURCE = ROOT / "loadtest" / "floor"
FLOOR = ROOT / "build" / "floor"
CONTRACT = FLOOR / "python"  # limit_pb2 and limit_pb2_grpc
PROTOC = ROOT / "build" / "protoc" / "bin" / "python"
VENV = WORK / "venv"
LOCK = REQUIREMENTS / "bench.txt"
