from collections.abc import Callable

import pytest
from google.protobuf import text_format
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet

from tests.protos.breaking import breaking_changes, current_contracts, recorded_contracts

RECORD = """
file {
  name: "shop.proto" package: "shop.v1" syntax: "proto3"
  options { go_package: "shop/v1" java_package: "com.shop.v1" }
  message_type {
    name: "Order"
    field { name: "id" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "count" number: 2 type: TYPE_INT64 label: LABEL_OPTIONAL proto3_optional: true oneof_index: 1 }
    field { name: "card" number: 3 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 0 }
    field { name: "cash" number: 4 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 0 }
    field { name: "prices" number: 5 type: TYPE_MESSAGE type_name: ".shop.v1.Order.PricesEntry" label: LABEL_REPEATED }
    field { name: "state" number: 6 type: TYPE_ENUM type_name: ".shop.v1.State" label: LABEL_OPTIONAL }
    oneof_decl { name: "payment" }
    oneof_decl { name: "_count" }
    nested_type {
      name: "PricesEntry"
      options { map_entry: true }
      field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
      field { name: "value" number: 2 type: TYPE_FLOAT label: LABEL_OPTIONAL }
    }
    enum_type { name: "Size" value { name: "SIZE_UNSPECIFIED" number: 0 } }
  }
  message_type { name: "Receipt" }
  enum_type {
    name: "State"
    value { name: "STATE_UNSPECIFIED" number: 0 }
    value { name: "STATE_PAID" number: 1 }
  }
  service {
    name: "Shop"
    method { name: "Buy" input_type: ".shop.v1.Order" output_type: ".shop.v1.Receipt" }
    method { name: "Watch" input_type: ".shop.v1.Order" output_type: ".shop.v1.Receipt" server_streaming: true }
  }
}
"""

Change = Callable[[FileDescriptorProto], object]


def _record() -> FileDescriptorSet:
    return text_format.Parse(RECORD, FileDescriptorSet())


def _field(file: FileDescriptorProto, name: str) -> FieldDescriptorProto:
    return next(field for field in file.message_type[0].field if field.name == name)


def _changes(change: Change) -> list[str]:
    current = _record()
    change(current.file[0])
    return breaking_changes(_record(), current)


def _remove_message(file: FileDescriptorProto) -> None:
    del file.message_type[1]


def _remove_nested_enum(file: FileDescriptorProto) -> None:
    del file.message_type[0].enum_type[0]


def _remove_enum(file: FileDescriptorProto) -> None:
    del file.enum_type[0]


def _remove_service(file: FileDescriptorProto) -> None:
    del file.service[0]


def _remove_method(file: FileDescriptorProto) -> None:
    del file.service[0].method[0]


def _remove_field(file: FileDescriptorProto) -> None:
    file.message_type[0].field.remove(_field(file, "id"))


def _remove_value(file: FileDescriptorProto) -> None:
    del file.enum_type[0].value[1]


def _make_map_a_message(file: FileDescriptorProto) -> None:
    file.message_type[0].nested_type[0].options.map_entry = False


def _change_map_value(file: FileDescriptorProto) -> None:
    file.message_type[0].nested_type[0].field[1].type = FieldDescriptorProto.TYPE_DOUBLE


def _join_oneof(file: FileDescriptorProto) -> None:
    _field(file, "id").oneof_index = 0


def _drop_optional(file: FileDescriptorProto) -> None:
    _field(file, "count").ClearField("proto3_optional")
    _field(file, "count").ClearField("oneof_index")


def _stop_streaming(file: FileDescriptorProto) -> None:
    file.service[0].method[1].server_streaming = False


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_remove_message, "message shop.v1.Receipt was removed"),
        (_remove_nested_enum, "enum shop.v1.Order.Size was removed"),
        (_remove_enum, "enum shop.v1.State was removed"),
        (_remove_service, "service shop.v1.Shop was removed"),
        (_remove_method, "shop.v1.Shop.Buy was removed"),
        (_remove_field, "shop.v1.Order.id was removed"),
        (_remove_value, "shop.v1.State.STATE_PAID was removed"),
        (_make_map_a_message, "shop.v1.Order.PricesEntry changed between a map's entry and a message"),
        (_change_map_value, "shop.v1.Order.PricesEntry.value changed its type"),
        (_join_oneof, "shop.v1.Order.id moved in or out of a oneof"),
        (lambda file: _field(file, "cash").ClearField("oneof_index"), "shop.v1.Order.cash moved in or out of a oneof"),
        (_drop_optional, "shop.v1.Order.count changed whether its absence can be told"),
        (_stop_streaming, "shop.v1.Shop.Watch changed its streaming"),
        (
            lambda file: setattr(file.service[0].method[0], "client_streaming", True),
            "shop.v1.Shop.Buy changed its streaming",
        ),
        (
            lambda file: setattr(file.service[0].method[0], "input_type", ".shop.v1.Receipt"),
            "shop.v1.Shop.Buy changed what it takes or gives",
        ),
        (
            lambda file: setattr(file.service[0].method[0], "output_type", ".shop.v1.Order"),
            "shop.v1.Shop.Buy changed what it takes or gives",
        ),
        (lambda file: setattr(_field(file, "id"), "number", 9), "shop.v1.Order.id changed its number from 1 to 9"),
        (lambda file: setattr(_field(file, "id"), "name", "key"), "shop.v1.Order.id was renamed key"),
        (lambda file: setattr(_field(file, "id"), "json_name", "ID"), "shop.v1.Order.id changed its name in JSON"),
        (lambda file: setattr(_field(file, "id"), "type", 12), "shop.v1.Order.id changed its type"),
        (
            lambda file: setattr(_field(file, "id"), "label", FieldDescriptorProto.LABEL_REPEATED),
            "shop.v1.Order.id changed between one and many",
        ),
        (
            lambda file: setattr(_field(file, "state"), "type_name", ".shop.v1.Order.Size"),
            "shop.v1.Order.state changed its type",
        ),
        (
            lambda file: setattr(file.enum_type[0].value[1], "name", "STATE_DONE"),
            "shop.v1.State.STATE_PAID was renamed STATE_DONE",
        ),
        (
            lambda file: setattr(file.enum_type[0].value[1], "number", 2),
            "shop.v1.State.STATE_PAID changed its number from 1 to 2",
        ),
        (lambda file: setattr(file, "package", "shop.v2"), "shop.proto changed its package from shop.v1 to shop.v2"),
        (lambda file: setattr(file.options, "go_package", "x"), "shop.proto changed go_package"),
        (lambda file: setattr(file.options, "java_package", "x"), "shop.proto changed java_package"),
        (lambda file: setattr(file, "name", "store.proto"), "file shop.proto was removed"),
        (lambda file: setattr(file, "name", "store.proto"), "shop.v1.Order moved from shop.proto to store.proto"),
    ],
)
def test_what_breaks_is_named(change: Change, sentence: str) -> None:
    """Each change that an old client would notice is told in one sentence."""
    assert sentence in _changes(change)


@pytest.mark.parametrize(
    "change",
    [
        FileDescriptorProto.SerializeToString,  # changes nothing
        lambda file: file.message_type.add(name="Refund"),
        lambda file: file.message_type[0].field.add(name="note", number=7, type=9, label=1),
        lambda file: file.message_type[0].field.add(name="voucher", number=8, type=9, label=1, oneof_index=0),
        lambda file: file.message_type[0].nested_type.add(name="Line"),
        lambda file: file.enum_type.add(name="Colour").value.add(name="COLOUR_UNSPECIFIED", number=0),
        lambda file: file.enum_type[0].value.add(name="STATE_SENT", number=2),
        lambda file: file.service.add(name="Refunds"),
        lambda file: file.service[0].method.add(name="Return", input_type=".shop.v1.Order"),
        lambda file: file.message_type.reverse(),
    ],
)
def test_what_is_added_breaks_nobody(change: Change) -> None:
    """Additions pass, and so does another order of the same things."""
    assert _changes(change) == []


def test_a_new_file_breaks_nobody() -> None:
    """Contracts grow by files too."""
    current = _record()
    current.file.add(name="refunds.proto", package="shop.v1")

    assert breaking_changes(_record(), current) == []


def test_contracts_break_nobody() -> None:
    """The generated code still honours everything in the record."""
    assert breaking_changes(recorded_contracts(), current_contracts()) == []


def test_record_is_up_to_date() -> None:
    """What was added is in the record as well, so that it is kept from now on."""
    assert recorded_contracts() == current_contracts(), "run `make protos`"
