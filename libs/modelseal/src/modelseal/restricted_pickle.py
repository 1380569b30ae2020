"""Unpickle what a list of globals admits, and nothing else.

A pickle is a program for a small machine. It harms by what it names (`find_class`) and by what it
calls. Here every name is looked up in a list of objects that the service gives; nothing is
imported because a pickle names it. The list also says what may be done with each object.

Opcodes that modern picklers do not write, and that reach objects around the list, are refused.

What is left: a hostile pickle can put any numbers into the admitted objects, and compiled code of
libraries reads them. It may answer wrongly, take memory, crash the process or exploit an error of
that code.
"""

import pickle
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any, ClassVar, Final, NoReturn

from modelseal.errors import UnsafePickleError

__all__ = ["AllowedGlobals", "RestrictedUnpickler", "name_of", "refuse"]

# They call a class with arguments, take an object from a registry or cache of the process, or ask
# for something from outside of the pickle.
_REFUSED: Final = {
    name: getattr(pickle, name)
    for name in (
        *("INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"),
        *("PERSID", "BINPERSID", "NEXT_BUFFER", "READONLY_BUFFER"),
    )
}


@dataclass(frozen=True)
class AllowedGlobals:
    """What a pickle may name: classes and functions, by what it may do with them.

    An object goes by the name that a pickler gives it, its ``__module__`` and ``__qualname__``, so
    that the list follows a library that moves it.

    Attributes:
        instances: Classes that it may make instances of, without arguments and without
            ``__init__``, and set their state.
        calls: Functions and classes that it may call with arguments.
        references: What it may only refer to.
        renamed: Further names, ``module:name``, of listed objects.
    """

    instances: frozenset[Any]
    calls: frozenset[Any]
    references: frozenset[Any] = frozenset()
    renamed: tuple[tuple[str, Any], ...] = ()

    @cached_property
    def by_name(self) -> dict[str, Any]:
        """The objects by the names that a pickle gives them: ``module:name``."""
        named = {name_of(one): one for one in self.instances | self.calls | self.references}
        return named | dict(self.renamed)


def name_of(one: Any) -> str:  # noqa: ANN401 - a class or function of any library
    """The name that a pickler gives a class or function: ``module:name``."""
    return f"{one.__module__}:{one.__qualname__}"


def refuse(file: str, what: str) -> NoReturn:
    """Refuse a pickle.

    Args:
        file: Its name in the model.
        what: What it does, as in "calls os:system".

    Raises:
        UnsafePickleError: Always.
    """
    raise UnsafePickleError(
        f"{file} {what}, which no model of this service does. It was not executed.",
        remedy="Do not serve this model, and find out who wrote it. If it was trained here with "
        "another version of a library, review the name before you add it to the service's list.",
    )


class RestrictedUnpickler(pickle._Unpickler):  # noqa: SLF001 - the one whose opcodes are methods
    """Reads one pickle, of protocol 5 at most.

    Args:
        file: The pickle. It is read no further than its end.
        name: What to call it in messages.
        allowed: What it may name.

    Attributes:
        used: The listed objects that it named so far.
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
        """The listed object of a name.

        Raises:
            UnsafePickleError: It is not in the list.
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
            UnsafePickleError: It may not be called.
        """
        self._check(self.stack[-2], self.allowed.calls, "calls")
        super().load_reduce()  # type: ignore[misc]

    def load_newobj(self) -> None:
        """Make an instance of a class.

        Raises:
            UnsafePickleError: It may not be made, or is made with arguments.
        """
        made, arguments = self.stack[-2:]
        self._check(made, self.allowed.instances, "makes instances of")
        if arguments != ():
            refuse(self.name, f"makes an instance of {name_of(made)} with arguments")
        super().load_newobj()  # type: ignore[misc]

    def load_build(self) -> None:
        """Set the state of an instance.

        Raises:
            UnsafePickleError: It is a class or function: what is set there, everybody sees.
        """
        changed = self.stack[-2]
        if _is_in(changed, self.used):
            refuse(self.name, f"changes {name_of(changed)}")
        super().load_build()  # type: ignore[misc]

    def load_bytearray8(self) -> None:
        """Read bytes, and take no memory for more of them than there are."""
        size = int.from_bytes(self.read(8), "little")
        self.append(bytearray(self.read(size)))

    def _check(self, one: object, allowed: Iterable[Any], does: str) -> None:
        if not _is_in(one, allowed):
            named = name_of(one) if _is_in(one, self.used) else f"a {type(one).__name__}"
            refuse(self.name, f"{does} {named}")


def _is_in(one: object, objects: Iterable[Any]) -> bool:
    # By identity: the equality of an object from the pickle would be its own.
    return any(one is other for other in objects)


def _refusal(opcode: str) -> Any:  # noqa: ANN401
    def load(self: RestrictedUnpickler) -> None:
        refuse(self.name, f"has the opcode {opcode}")

    return load


# Through the instance, so that a subclass need only override the method.
def _reduce(self: RestrictedUnpickler) -> None:
    self.load_reduce()


def _newobj(self: RestrictedUnpickler) -> None:
    self.load_newobj()


def _build(self: RestrictedUnpickler) -> None:
    self.load_build()


def _bytearray8(self: RestrictedUnpickler) -> None:
    self.load_bytearray8()


RestrictedUnpickler.dispatch.update(
    {
        pickle.REDUCE[0]: _reduce,
        pickle.NEWOBJ[0]: _newobj,
        pickle.BUILD[0]: _build,
        pickle.BYTEARRAY8[0]: _bytearray8,
    }
    | {code[0]: _refusal(opcode) for opcode, code in _REFUSED.items()}
)
