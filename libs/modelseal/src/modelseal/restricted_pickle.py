"""Unpickle with an allowlist of classes and functions.

A pickle is a program. It does harm by the objects that it imports (`find_class`) and calls. Here
every name is looked up in an allowlist of the service, which also says how each object may be
used; nothing is imported because a pickle names it. Opcodes that modern picklers do not write, and
that would bypass the allowlist, are refused.

The remaining risk: a malicious pickle can put any numbers into the allowed objects, and compiled
code of libraries reads them. The model may answer wrongly, use too much memory, crash the process
or exploit a bug of that code.
"""

import pickle
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any, ClassVar, Final, NoReturn

from modelseal.errors import UnsafePickleError

__all__ = ["AllowedGlobals", "RestrictedUnpickler", "name_of", "refuse"]

# They call a class with arguments, take an object from a registry or cache of the process, or
# refer to data outside the pickle.
_REFUSED: Final = {
    name: getattr(pickle, name)
    for name in (
        *("INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"),
        *("PERSID", "BINPERSID", "NEXT_BUFFER", "READONLY_BUFFER"),
    )
}


@dataclass(frozen=True)
class AllowedGlobals:
    """The allowlist: classes and functions that a pickle may name, by their use.

    The name of an object is that in a pickle, its ``__module__`` and ``__qualname__``, so that the
    allowlist follows a library that moves the object.

    Attributes:
        instances: Classes of which it may create instances, without arguments and without
            ``__init__``, and set their state.
        calls: Functions and classes that it may call with arguments.
        references: Objects that it may only refer to.
        renamed: Further names, ``module:name``, of allowed objects.
    """

    instances: frozenset[Any]
    calls: frozenset[Any]
    references: frozenset[Any] = frozenset()
    renamed: tuple[tuple[str, Any], ...] = ()

    @cached_property
    def by_name(self) -> dict[str, Any]:
        """The allowed objects by their names in a pickle: ``module:name``."""
        named = {name_of(one): one for one in self.instances | self.calls | self.references}
        return named | dict(self.renamed)


def name_of(one: Any) -> str:  # noqa: ANN401 - a class or function of any library
    """The name of a class or function in a pickle: ``module:name``."""
    return f"{one.__module__}:{one.__qualname__}"


def refuse(file: str, what: str) -> NoReturn:
    """Refuse a pickle.

    Args:
        file: Name of the pickle in the model.
        what: What the pickle does, for example "calls os:system".

    Raises:
        UnsafePickleError: Always.
    """
    raise UnsafePickleError(
        f"{file} {what}, which no model of this service does. It was not executed.",
        remedy="Do not serve this model, and find out who wrote it. If it was trained here with "
        "another version of a library, review the name before you add it to the service's list.",
    )


class RestrictedUnpickler(pickle._Unpickler):  # noqa: SLF001 - its opcodes are methods
    """Reads one pickle of at most protocol 5.

    Args:
        file: The pickle. Nothing after its end is read.
        name: Name of the pickle for messages.
        allowed: The allowlist.

    Attributes:
        used: The allowed objects that the pickle has named so far.
    """

    dispatch: ClassVar[dict[int, Any]] = dict(pickle._Unpickler.dispatch)  # noqa: SLF001
    stack: list[Any]
    read: Callable[[int], bytes]
    append: Callable[[object], None]

    def __init__(self, file: IO[bytes], name: str, allowed: AllowedGlobals) -> None:
        super().__init__(file)
        self.file = file
        self.name = name
        self.allowed = allowed
        self.used: set[Any] = set()

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        """The allowed object of a name.

        Raises:
            UnsafePickleError: The name is not in the allowlist.
        """
        sys.audit("pickle.find_class", module, name)
        found = self.allowed.by_name.get(f"{module}:{name}")
        if found is None:
            refuse(self.name, f"names {module}:{name}")
        self.used.add(found)
        return found

    def load_reduce(self) -> None:
        """Call a function with arguments.

        Raises:
            UnsafePickleError: The allowlist does not allow the call.
        """
        self._check(self.stack[-2], self.allowed.calls, "calls")
        super().load_reduce()  # type: ignore[misc]

    def load_newobj(self) -> None:
        """Create an instance of a class.

        Raises:
            UnsafePickleError: The allowlist does not allow it, or there are arguments.
        """
        made, arguments = self.stack[-2:]
        self._check(made, self.allowed.instances, "makes instances of")
        if arguments != ():
            refuse(self.name, f"makes an instance of {name_of(made)} with arguments")
        super().load_newobj()  # type: ignore[misc]

    def load_build(self) -> None:
        """Set the state of an instance.

        Raises:
            UnsafePickleError: The object is a class or function, which the whole process uses.
        """
        changed = self.stack[-2]
        if _is_in(changed, self.used):
            refuse(self.name, f"changes {name_of(changed)}")
        super().load_build()  # type: ignore[misc]

    def load_bytearray8(self) -> None:
        """Read bytes without allocating memory for more than the pickle has."""
        size = int.from_bytes(self.read(8), "little")
        self.append(bytearray(self.read(size)))

    def _check(self, one: object, allowed: Iterable[Any], does: str) -> None:
        if not _is_in(one, allowed):
            named = name_of(one) if _is_in(one, self.used) else f"a {type(one).__name__}"
            refuse(self.name, f"{does} {named}")


def _is_in(one: object, objects: Iterable[Any]) -> bool:
    # By identity: an object from the pickle may define its own equality.
    return any(one is other for other in objects)


def _refusal(opcode: str) -> Any:  # noqa: ANN401
    def load(self: RestrictedUnpickler) -> None:
        refuse(self.name, f"has the opcode {opcode}")

    return load


def _overridable(method: str) -> Any:  # noqa: ANN401
    # Looked up on the instance, so that a subclass can override the method.
    return lambda reader: getattr(reader, method)()


RestrictedUnpickler.dispatch |= {
    pickle.REDUCE[0]: _overridable("load_reduce"),
    pickle.NEWOBJ[0]: _overridable("load_newobj"),
    pickle.BUILD[0]: _overridable("load_build"),
    pickle.BYTEARRAY8[0]: _overridable("load_bytearray8"),
} | {code[0]: _refusal(opcode) for opcode, code in _REFUSED.items()}
