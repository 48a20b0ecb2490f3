from pathlib import Path

import pytest

from server.addresses import copy_name, default_mirror, is_address, shown


@pytest.mark.parametrize(
    "text", ["s3://bucket", "s3://bucket/a/b", "gs://b", "file:///models", "https://user:pw@host/x"]
)
def test_address(text: str) -> None:
    """A scheme and what follows it is an address."""
    assert is_address(text)


@pytest.mark.parametrize(
    "text", ["models", "/models", "./s3:/x", "s3:/bucket", "s3://", "C:models", "a b://c", "://x", ""]
)
def test_folder(text: str) -> None:
    """Everything else is a folder."""
    assert not is_address(text)


def test_secrets_are_not_shown() -> None:
    """What stands before the host is left out, in the copy's name too."""
    assert shown("ftp://me:secret@host/models") == "ftp://…@host/models"
    assert "secret" not in copy_name("ftp://me:secret@host/models")


def test_every_address_has_a_folder_of_its_own() -> None:
    """The name is a plain folder's, says what it is, and is the same with and without '/' at the end."""
    addresses = [
        "s3://bucket/models",
        "s3://bucket-models",
        "gs://bucket/models",
        "s3://bucket/../models",
        "s3://" + "b" * 500,
    ]
    names = [copy_name(address) for address in addresses]
    assert names[0].startswith("s3-bucket-models-")
    assert len(set(names)) == len(names)
    assert all(Path(name).name == name and len(name) < 64 for name in names)
    assert copy_name("s3://bucket/models/") == names[0]


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"CACHE_DIRECTORY": "/var/cache/audience:/x", "HOME": "/root"}, "/var/cache/audience"),
        ({"XDG_CACHE_HOME": "/cache", "HOME": "/root"}, "/cache/audience"),
        ({"HOME": "/root"}, "/root/.cache/audience"),
        ({}, "/.cache/audience"),
    ],
)
def test_folder_for_copies(environment: dict[str, str], folder: str) -> None:
    """The service manager's folder comes before the user's."""
    assert default_mirror(environment) == Path(folder)
