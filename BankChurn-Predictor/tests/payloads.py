"""Pickles that run a command when they are loaded, put together from opcodes by hand."""

import copyreg
import hashlib
import pickle
import shutil
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from modelseal import Manifest
from modelseal.manifest import encode_manifest, read_manifest

NONE, TRUE, FALSE = pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE

# In the registry of extensions, `os.system` has this number in the tests and their processes.
EXTENSION: Final = 0xF0


def register_extension() -> None:
    copyreg.add_extension("posix", "system", EXTENSION)


def whole(body: bytes) -> bytes:
    return b"\x80\x04" + body + pickle.STOP


def text(value: str) -> bytes:
    raw = value.encode()
    return pickle.BINUNICODE + len(raw).to_bytes(4, "little") + raw


def binary(value: bytes) -> bytes:
    return pickle.BINBYTES + len(value).to_bytes(4, "little") + value


def number(value: int) -> bytes:
    return pickle.BININT + value.to_bytes(4, "little", signed=True)


def tuple_of(*parts: bytes) -> bytes:
    return pickle.MARK + b"".join(parts) + pickle.TUPLE


def list_of(*parts: bytes) -> bytes:
    return pickle.EMPTY_LIST + pickle.MARK + b"".join(parts) + pickle.APPENDS


def dict_of(items: Mapping[str, bytes]) -> bytes:
    pairs = b"".join(text(key) + value for key, value in items.items())
    return pickle.EMPTY_DICT + pickle.MARK + pairs + pickle.SETITEMS


def name(module: str, attribute: str) -> bytes:
    return text(module) + text(attribute) + pickle.STACK_GLOBAL


def call(function: bytes, *arguments: bytes) -> bytes:
    return function + tuple_of(*arguments) + pickle.REDUCE


def make(cls: bytes, *arguments: bytes) -> bytes:
    return cls + tuple_of(*arguments) + pickle.NEWOBJ


def build(one: bytes, state: bytes) -> bytes:
    return one + state + pickle.BUILD


def array_of_objects(nested: bytes, subclass: bytes = name("numpy", "ndarray")) -> bytes:
    """An array in the form of joblib: its description, then what it holds as a pickle."""
    described = {
        "subclass": subclass,
        "shape": tuple_of(number(1)),
        "order": text("C"),
        "dtype": call(name("numpy", "dtype"), text("O8"), FALSE, TRUE),
        "allow_mmap": FALSE,
        "numpy_array_alignment_bytes": NONE,
    }
    return (
        build(make(name("joblib.numpy_pickle", "NumpyArrayWrapper")), dict_of(described)) + nested
    )


def array_in_a_file(path: Path) -> bytes:
    """An array in the form of joblib before 0.10: numpy opens a file that the pickle names."""
    described = {
        "filename": text(str(path)),
        "subclass": name("numpy", "ndarray"),
        "allow_mmap": FALSE,
    }
    return build(make(name("joblib.numpy_pickle", "NDArrayWrapper")), dict_of(described))


def npy(pickled: bytes) -> bytes:
    """A file of numpy with an array of one object."""
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + pickled


def _touch(marker: Path) -> bytes:
    return text(f"touch {marker}")


def _python(marker: Path) -> bytes:
    return text(f"open({str(marker)!r}, 'w').close()")


def _system(marker: Path) -> bytes:
    return call(name("posix", "system"), _touch(marker))


def _line(marker: Path) -> bytes:
    return f"S'touch {marker}'\n".encode()


def _beside(marker: Path, contents: bytes) -> Path:
    path = marker.with_name("array.npy")
    path.write_bytes(contents)
    return path


_OS: Final = name("joblib.numpy_pickle", "os")

PAYLOADS: Final[Mapping[str, Callable[[Path], bytes]]] = {
    "posix.system": _system,
    "os.system": lambda marker: call(name("os", "system"), _touch(marker)),
    "builtins.eval": lambda marker: call(name("builtins", "eval"), _python(marker)),
    "builtins.exec": lambda marker: call(name("builtins", "exec"), _python(marker)),
    "subprocess.Popen": lambda marker: call(
        name("subprocess", "Popen"), list_of(text("touch"), text(str(marker)))
    ),
    "copyreg._reconstructor": lambda marker: call(
        name("copyreg", "_reconstructor"),
        *(name("subprocess", "Popen"), name("subprocess", "Popen")),
        list_of(text("touch"), text(str(marker))),
    ),
    "functools.partial": lambda marker: call(
        call(name("functools", "partial"), name("posix", "system"), _touch(marker))
    ),
    "operator.attrgetter": lambda marker: call(
        call(call(name("operator", "attrgetter"), text("system")), _OS), _touch(marker)
    ),
    "operator.methodcaller": lambda marker: call(
        call(name("operator", "methodcaller"), text("system"), _touch(marker)), _OS
    ),
    "builtins.getattr": lambda marker: call(
        call(name("builtins", "getattr"), _OS, text("system")), _touch(marker)
    ),
    "numpy.load": lambda marker: call(
        name("numpy", "load"),
        *(text(str(_beside(marker, npy(whole(_system(marker)))))), NONE, TRUE),
    ),
    "numpy's runstring": lambda marker: call(
        name("numpy.testing._private.utils", "runstring"), _python(marker), pickle.EMPTY_DICT
    ),
    "pandas.read_pickle": lambda marker: call(
        name("pandas", "read_pickle"), text(str(_beside(marker, whole(_system(marker)))))
    ),
    "joblib.load": lambda marker: call(
        name("joblib", "load"), text(str(_beside(marker, whole(_system(marker)))))
    ),
    "_pickle.loads": lambda marker: call(name("_pickle", "loads"), binary(whole(_system(marker)))),
    "a dotted name": lambda marker: call(name("joblib.numpy_pickle", "os.system"), _touch(marker)),
    "a dotted name in an admitted module": lambda marker: (
        call(name("lightgbm.basic", "warnings.sys.modules.__class__.__base__.__subclasses__"))
        + pickle.POP
        + _system(marker)
    ),
    "GLOBAL": lambda marker: b"cposix\nsystem\n(" + _line(marker) + b"tR",
    "INST": lambda marker: b"(" + _line(marker) + b"iposix\nsystem\n",
    "OBJ": lambda marker: b"(cposix\nsystem\n" + _line(marker) + b"o",
    "EXT1": lambda marker: call(pickle.EXT1 + bytes([EXTENSION]), _touch(marker)),
    "EXT4": lambda marker: call(pickle.EXT4 + EXTENSION.to_bytes(4, "little"), _touch(marker)),
    "NEWOBJ_EX": lambda marker: call(
        name("functools", "partial")
        + tuple_of(name("posix", "system"), _touch(marker))
        + pickle.EMPTY_DICT
        + pickle.NEWOBJ_EX
    ),
    "in an array of objects": lambda marker: array_of_objects(whole(_system(marker))),
    "in an array in an array": lambda marker: array_of_objects(
        whole(array_of_objects(b"") + pickle.POP + _system(marker))
    ),
    "as the class of an array": lambda marker: array_of_objects(
        whole(NONE), subclass=_system(marker)
    ),
    "an array in a file": lambda marker: array_in_a_file(
        _beside(marker, npy(whole(_system(marker))))
    ),
    "in the state of an estimator": lambda marker: build(
        make(name("sklearn.pipeline", "Pipeline")), dict_of({"steps": _system(marker)})
    ),
}


def pack(body: bytes) -> bytes:
    """A pickle as the file of a pipeline."""
    return zlib.compress(whole(body))


def seal_with(model: Path, folder: Path, pipeline: bytes) -> Path:
    """A copy of a sealed model with another pipeline, and a manifest with its right digests."""
    shutil.copytree(model, folder)
    (folder / "pipeline.joblib").write_bytes(pipeline)
    document = read_manifest(model)[0].model_dump(mode="json")
    document["files"]["pipeline.joblib"] = {
        "sha256": hashlib.sha256(pipeline).hexdigest(),
        "size": len(pipeline),
    }
    (folder / "manifest.json").write_bytes(encode_manifest(Manifest.model_validate(document)))
    return folder
