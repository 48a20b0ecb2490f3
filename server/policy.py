"""Which version should serve next: pure, without state, the same answer for the same question."""

from collections.abc import Mapping

from server.repository import Fingerprint, Versions


def next_version(found: Versions, serving: int | None, refused: Mapping[int, Fingerprint]) -> int | None:
    """The version to load now, or None when nothing is to be done.

    The newest complete version that was not refused as it stands is the one to serve. It may be older than the one that
    serves: taking the newest away from the repository goes back to the one before. When nothing usable is left, what
    serves keeps serving.

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
    wanted = max(usable, default=serving)
    return None if wanted == serving else wanted
