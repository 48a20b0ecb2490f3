from tests.house.project import ROOT
from tests.house.wheel import expected, faults


def test_wheel_is_to_hold_code_types_and_contracts() -> None:
    """Whoever installs the project gets modules, stubs, the mark that they are typed, and the .proto files."""
    wanted = expected(ROOT)

    assert wanted >= {
        "protos/audience/v1/scoring.proto",
        "protos/audience/v1/scoring_pb2.py",
        "protos/audience/v1/scoring_pb2.pyi",
        "protos/py.typed",
        "server/__main__.py",
        "training/__init__.py",
        "loadtest/py.typed",
    }
    assert not any(name.startswith(("tests/", "build/", "loadtest/floor/")) for name in wanted)


def test_wrong_wheel_is_found() -> None:
    """A file that is missing and one that does not belong there are both named; metadata is setuptools' business."""
    found = {"server/__init__.py", "tests/__init__.py", "audience-0.1.0.dist-info/METADATA"}

    assert faults(found, {"server/__init__.py", "server/py.typed"}) == [
        "server/py.typed is missing",
        "tests/__init__.py does not belong in the wheel",
    ]
