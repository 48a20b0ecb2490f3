"""Who gets which version: labels, shares of the visitors, the holdout. Pure, and the same in every process."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

WHOLE: Final = 10_000  # basis points
STABLE: Final = "stable"
NO_LABEL: Final = ""

Given = tuple[str, int]  # a label, and the version that it is given to


def bucket(salt: str, visitor: bytes) -> int:
    """A visitor's place among all, from 0 to 9,999: the same for the same salt, and unrelated for another.

    Source: BLAKE2b (RFC 7693) of 64 bits over salt, a zero byte and the identifier.

    >>> bucket("shop/split", b"v1")
    436
    """
    digest = hashlib.blake2b(b"%b\0%b" % (salt.encode(), visitor), digest_size=8).digest()
    return int.from_bytes(digest, "big") % WHOLE


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the visitors, and the label whose version they get."""

    label: str
    basis_points: int


@dataclass(frozen=True, slots=True)
class Route:
    """Which version of a model answers whom.

    Attributes:
        targets: version by label; "" is that of requests that ask for none.
        default_label: the label that a reply to those says, if any.
        split: shares of those, in their order.
        split_salt: of the split.
        holdout: basis points of all visitors.
        holdout_salt: of the holdout.
        shadow: the label whose version scores beside, and how many basis points of the requests.
        withheld: versions that nobody gets who asks for none: they wait for an approval.
    """

    targets: Mapping[str, int] = field(default_factory=dict)
    default_label: str = NO_LABEL
    split: tuple[Share, ...] = ()
    split_salt: str = ""
    holdout: int = 0
    holdout_salt: str = ""
    shadow: Share | None = None
    withheld: tuple[int, ...] = ()

    @property
    def default(self) -> int:
        """The version for those who ask for none; 0 when there is none."""
        return self.targets.get(NO_LABEL, 0)

    @property
    def is_plain(self) -> bool:
        """Whether all visitors get the same."""
        return not (self.split or self.holdout)

    def share_of(self, visitor: bytes) -> str:
        """The label of a visitor's share; "" for those who get what everybody gets."""
        place = bucket(self.split_salt, visitor) if self.split and visitor else WHOLE
        for share in self.split:
            if place < share.basis_points:
                return share.label
            place -= share.basis_points
        return NO_LABEL

    def is_held_out(self, visitor: bytes) -> bool:
        """Whether a visitor is in the holdout."""
        return bool(self.holdout and visitor) and bucket(self.holdout_salt, visitor) < self.holdout

    def settled(self, loaded: Collection[int], before: Mapping[str, int], unapproved: Collection[Given] = ()) -> Self:
        """The same among the versions that are loaded: a label whose version is not keeps the one that it had before.

        So does one whose version is not approved. A label that has neither is left out. Who asks for none then gets
        what they had before, or else the newest that is not withheld, and is told no label; without any, they get none.

        Args:
            loaded: the versions.
            before: version by label, as in `targets`.
            unapproved: the labels that versions do not take yet.
        """

        def can(label: str, version: int | None) -> bool:
            return version in loaded and (label, version) not in unapproved

        targets = {}
        for label, version in self.targets.items():
            if can(label, version):
                targets[label] = version
            elif can(label, before.get(label)):
                targets[label] = before[label]
        others = [version for version in loaded if version not in self.withheld]
        if NO_LABEL not in targets and others:
            targets[NO_LABEL] = max(others)
        default_label = self.default_label if self.default_label in targets else NO_LABEL
        return replace(self, targets=targets, default_label=default_label)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The route that was written so (runtime.as_json)."""
        split = tuple(Share(**share) for share in content["split"])
        shadow = content["shadow"] and Share(**content["shadow"])
        withheld = tuple(content.get("withheld", ()))  # a control process before this one may not know it
        return cls(**{**content, "split": split, "shadow": shadow, "withheld": withheld})
