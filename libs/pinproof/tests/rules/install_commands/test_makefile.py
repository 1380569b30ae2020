import pytest
from install_helpers import unpinned_installs

# a Makefile, with the lines and the names of what it installs unchecked
REFUSED = [
    ("all:\n\tpip install numpy", [(2, "numpy")]),
    ("all:\n\t@-pip install numpy", [(2, "numpy")]),
    ("all: ; pip install numpy", [(1, "numpy")]),
    ("PIP := .venv/bin/pip\nall:\n\t$(PIP) install numpy", [(3, "numpy")]),
    (
        "PACKAGES = a \\\n  b\nPACKAGES += c\nall:\n\tpip install ${PACKAGES}",
        [(5, n) for n in "abc"],
    ),
    ("all:\n\ttrue && \\\n\t  pip install \\\n\t  a", [(3, "a")]),
    ("all:\n\tfor p in a b; do pip install $$p; done", [(2, "a"), (2, "b")]),
    ("all:\n\tpip install $(PACKAGE)", [(2, None)]),
    ("all: x.txt\n\tpip install -r $<", [(2, None)]),
    ("ifdef X\nall:\n\tpip install a\nelse\nall:\n\tpip install b\nendif", [(3, "a"), (6, "b")]),
    ("X := $(shell pip install a)\nall:\n\techo $(X)", [(1, "a")]),
    ("X != pip install a", [(1, "a")]),
    ("define body\n\tpip install a\nendef\nall:\n\t$(body)", [(5, "a")]),
    (
        (
            "define rule\n$(1):\n\tpip install $(2)\nendef\n"
            "$(eval $(call rule,one,a))\n$(foreach x,b c,$(eval $(call rule,two,$(x))))"
        ),
        [(3, "a"), (3, "b"), (3, "c")],
    ),
    ("one two: %: $(X)\n\tpip install a-$(@)", [(2, None)]),
    (
        "all:\n\tpip install $(addprefix x-,a b) $(patsubst %,%-y,c)",
        [(2, n) for n in ("x-a", "x-b", "c-y")],
    ),
    ("X = $(X)\nall:\n\tpip install $(X)", [(3, None)]),
]
ALLOWED = [
    "all: requirements.txt x\n\tpip install -r $<",
    "%/.venv: %/requirements-prod.txt\n\tpip install -r $*/requirements-prod.txt",
    "all:\n\techo pip install a # pip install b",
    "all: ## pip install a\n\ttrue",
    (
        "define rule\n$(1)/x: $$(UV)\n\t@$$(UV) pip install -r $(1)/requirements-prod.txt "
        "$(2:%=-e libs/%) -e $(1)\nendef\n"
        "$(eval $(call rule,service,tool))\n$(eval $(call rule,service,))"
    ),
    "X = a:b\nall: X = 1\nall:\n\ttrue $(X:.c=.o)",
]


@pytest.mark.parametrize(("text", "reported"), REFUSED)
@pytest.mark.parametrize("name", ["Makefile", "GNUmakefile", "rules.mk"])
def test_what_no_checked_file_names_is_refused(
    name: str, text: str, reported: list[tuple[int, str | None]]
) -> None:
    assert [(found.line, found.distribution) for found in unpinned_installs(name, text)] == reported


@pytest.mark.parametrize("text", ALLOWED)
def test_what_a_checked_file_names_is_allowed(text: str) -> None:
    assert [found.message for found in unpinned_installs("Makefile", text)] == []
