from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.approval import approval_name
from server.catalogue import is_version_name, read_catalogue
from server.remote import RemoteFile
from server.repository import scan
from tests.server.conftest import law

_PART = st.one_of(
    st.sampled_from(
        [
            "shop",
            "1",
            "01",
            "..",
            ".",
            "",
            "SHA256SUMS",
            "policy.json",
            "approvals",
            "1.json",
            ".source",
            "a\\b",
            "1\n",
            "x" * 200,
        ]
    ),
    st.text(max_size=5),
)
_FILE = RemoteFile(1, "tag")


@law
@given(st.lists(st.lists(_PART, min_size=1, max_size=5).map("/".join), max_size=30))
def test_no_name_leads_out(paths: list[str]) -> None:
    """Whatever a store lists, what is seen are plain names inside of the copy, and complete versions."""
    catalogue = read_catalogue(dict.fromkeys(paths, _FILE))
    names = [f"{key}/{name}" for key, version in catalogue.versions.items() for name in version.files]
    approvals = [approval_name(key.model, key.version) for key in catalogue.approvals]
    root = Path("/copy")
    for name in [*names, *(f"{model}/policy.json" for model in catalogue.policies), *approvals]:
        assert name in paths
        assert Path(root / name).resolve() == root / name
        assert not any(part.startswith(".") for part in name.split("/"))
    assert catalogue.approvals.keys() <= catalogue.versions.keys()
    assert all("SHA256SUMS" in version.files for version in catalogue.versions.values())


@pytest.mark.parametrize("name", ["0", "1", "01", "9" * 15, "1" + "0" * 15, "-1", "1.0", "1\n", "x", "\u0661"])
def test_version_names_are_those_of_the_loader(tmp_path: Path, name: str) -> None:
    """What is mirrored as a version is what the loader takes for one."""
    (tmp_path / "shop" / name).mkdir(parents=True)
    assert is_version_name(name) == bool(scan(tmp_path)["shop"])
