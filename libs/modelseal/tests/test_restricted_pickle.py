import io
import pickle
import sys
from collections import OrderedDict, defaultdict
from contextlib import suppress
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from modelseal.errors import UnsafePickleError
from modelseal.restricted_pickle import AllowedGlobals, RestrictedUnpickler, name_of

NOTHING = AllowedGlobals(frozenset(), frozenset())


class Weight:
    """A class of a toy service."""

    value = 1.0


TOY = AllowedGlobals(
    instances=frozenset({Weight}),
    calls=frozenset({Fraction, defaultdict}),
    references=frozenset({OrderedDict}),
    renamed=(("old_module:Weight", Weight),),
)


def load(pickled: bytes, allowed: AllowedGlobals = TOY) -> Any:  # noqa: ANN401 - whatever it holds
    return RestrictedUnpickler(io.BytesIO(pickled), "model.pkl", allowed).load()


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.binary().map(bytearray),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(), inner)
        | st.tuples(inner, inner)
        | st.frozensets(st.integers())
    ),
    max_leaves=10,
)


@given(plain)
def test_plain_values_need_no_allowlist(value: object) -> None:
    assert load(pickle.dumps(value, protocol=5), NOTHING) == value


def test_allowed_objects_are_created_called_and_referred_to() -> None:
    weight = Weight()
    weight.value = 0.5
    found = load(pickle.dumps([weight, Fraction(1, 3), defaultdict(OrderedDict, a=1)]))
    assert found[0].value == 0.5
    assert found[1:] == [Fraction(1, 3), {"a": 1}]
    assert found[2].default_factory is OrderedDict


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (date(2026, 11, 29), "names datetime:date"),
        (print, "names builtins:print"),
        ([Fraction, date], "names datetime:date"),
        (OrderedDict(a=1), "calls collections:OrderedDict"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_everything_else_is_refused_with_its_name(value: object, what: str, protocol: int) -> None:
    with pytest.raises(UnsafePickleError, match=rf"^model\.pkl {what}, which no model of this"):
        load(pickle.dumps(value, protocol=protocol, fix_imports=False))


def test_a_renamed_object_is_found_under_both_names() -> None:
    pickled = pickle.dumps(Weight(), protocol=4)
    module = Weight.__module__.encode()
    old = pickled.replace(b"\x8c" + bytes([len(module)]) + module, b"\x8c\x0aold_module")
    assert type(load(old)) is type(load(pickled)) is Weight


def test_an_attribute_of_an_allowed_object_is_refused() -> None:
    # A method of a class is pickled this way.
    with pytest.raises(UnsafePickleError, match=r"names fractions:Fraction\.from_float"):
        load(b"\x80\x04\x8c\x09fractions\x8c\x13Fraction.from_float\x93.")


@pytest.mark.parametrize("changed", [Weight, Fraction, OrderedDict])
def test_an_allowed_class_cannot_be_changed(changed: type) -> None:
    module, name = name_of(changed).split(":")
    named = f"c{module}\n{name}\n".encode()
    with pytest.raises(UnsafePickleError, match=f"changes {module}:{name}"):
        load(b"\x80\x04" + named + b"N}\x8c\x05valueK\x02s\x86b.")
    assert Weight.value == 1.0


def test_a_pickle_imports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "planted.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UnsafePickleError, match="names planted:thing"):
        load(b"\x80\x04cplanted\nthing\n.")
    assert "planted" not in sys.modules


@example(b"Vtext\n.")
@given(st.binary(max_size=60))
def test_no_bytes_import_anything_or_name_an_object_outside_the_allowlist(tail: bytes) -> None:
    reader = RestrictedUnpickler(
        io.BytesIO(b"\x80\x04cfractions\nFraction\n" + tail), "model.pkl", TOY
    )
    # Some opcodes import a codec to decode text.
    before = set(sys.modules) | {"encodings.raw_unicode_escape"}
    with suppress(Exception):
        reader.load()
    assert set(sys.modules) - before == set()
    assert reader.used <= {Fraction, Weight, defaultdict, OrderedDict}


def test_a_pickle_allocates_no_more_memory_than_its_length() -> None:
    length = (2**40).to_bytes(8, "little")
    for opcode in (pickle.BYTEARRAY8, pickle.BINBYTES8, pickle.BINUNICODE8):
        with pytest.raises((EOFError, pickle.UnpicklingError)):
            load(b"\x80\x05" + opcode + length + b"few.", NOTHING)
