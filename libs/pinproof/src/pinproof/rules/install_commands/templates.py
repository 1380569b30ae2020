"""Replaces the expressions of templates in scripts by variables of the shell."""

import re

from pinproof.rules.install_commands.command import unknown_variable

# Expressions of Jinja, Helm and workflows, and of Terraform and Ruby.
_EXPRESSION = re.compile(r"\$?\{\{-?([^{}]*)-?\}\}|\$\{((?:var|local)\.[^}]*)\}|#\{([^{}]*)\}")
# Statements of templates, and expressions that are a line, such as `{{- if .Values.x }}`.
_STATEMENT = re.compile(
    r"\{%(?:(?!\{%).)*?%\}|(?<!\$)\{#(?:(?!\{#).)*?#\}|\{\{/\*.*?\*/-?\}\}"
    r"|^[ \t]*\{\{[^{}]*\}\}[ \t]*$",
    re.DOTALL | re.MULTILINE,
)


def without_expressions(text: str) -> str:
    """The text with each expression of a template replaced by an unknown variable."""
    if "{" not in text:
        return text
    text = _STATEMENT.sub(lambda match: "\n" * match[0].count("\n"), text)
    return _EXPRESSION.sub(
        lambda match: unknown_variable(match[1] or match[2] or match[3] or ""), text
    )
