from tests.protos.published import our_fields, recorded_fields


def test_our_fields_are_the_published_ones() -> None:
    """Every message of ours is one of theirs, and each field has the published number, type, label and oneof."""
    ours, theirs = our_fields(), recorded_fields()
    assert ours.keys() == theirs.keys()
    assert {name: dict(fields) for name, fields in ours.items()} == {
        name: {field: theirs[name].get(field) for field in fields} for name, fields in ours.items()
    }
