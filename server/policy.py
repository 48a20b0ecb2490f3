"""Which version should serve next: pure, without state, the same answer for the same question."""

from collections.abc import Mapping

from server.repository import Fingerprint, Versions


def next_version(found: Versions, serving: int | None, refused: Mapping[int, Fingerprint]) -> int | None:
    """The version to load now, or None when nothing is to be done.

    The newest complete version that was not refused as it stands is the one to serve. It is older than the one that
    serves only when that was taken away from the repository: this is how to go back. A version that serves stays when
    its files are damaged, and when nothing usable is left.

    Args:
        found: versions on disk.
        serving: the version that serves, None when none does.
        refused: what a version looked like when it was refused; once it looks otherwise, it is tried again.
    """
    usable = [
        version
        for version, fingerprint in found.items()
        if fingerprint.is_complete and refused.get(version) != fingerprint
    ]
    if serving is not None and serving in found:
        usable = [version for version in usable if version > serving]
    wanted = max(usable, default=serving)
    return None if wanted == serving else wanted
