"""A provider that has a schema and nothing else, for machines that reach no registry.

``terraform validate`` and ``terraform test`` with mock providers ask a provider for its schema and
then for nothing that needs a cloud. This one serves the schema from a file: everything that
Terraform itself checks is checked (names, types, what is required, every expression), and what the
real provider checks of values is not.

Run as ``python -m terraform.standin SCHEMA.json --dev``. It prints the variable that makes
Terraform ask it instead of the real provider, and serves until it is asked to stop.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import tf.provider
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc
from tf.iface import Provider
from tf.runner import run_provider

NESTING = {
    "single": pb.Schema.NestedBlock.SINGLE,
    "list": pb.Schema.NestedBlock.LIST,
    "set": pb.Schema.NestedBlock.SET,
    "map": pb.Schema.NestedBlock.MAP,
}


class Standin(rpc.ProviderServicer):  # type: ignore[misc]  # the framework has no types
    """Answers with the schema of the file, and finds everything valid."""

    def __init__(self, provider: Provider) -> None:
        """Read the schema that the command line names."""
        del provider
        (self.schema,) = json.loads(Path(sys.argv[1]).read_text("utf-8"))[
            "provider_schemas"
        ].values()

    def GetProviderSchema(self, request: object, context: object) -> pb.GetProviderSchema.Response:  # noqa: N802
        """The whole schema."""
        del request, context
        return pb.GetProviderSchema.Response(
            provider=schema(self.schema["provider"]),
            resource_schemas={n: schema(s) for n, s in self.schema["resource_schemas"].items()},
            data_source_schemas={
                n: schema(s) for n, s in self.schema["data_source_schemas"].items()
            },
        )

    def ValidateProviderConfig(self, request: object, context: object) -> object:  # noqa: N802
        """Valid."""
        del request, context
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: object, context: object) -> object:  # noqa: N802
        """Valid."""
        del request, context
        return pb.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request: object, context: object) -> object:  # noqa: N802
        """Valid."""
        del request, context
        return pb.ValidateDataResourceConfig.Response()

    def StopProvider(self, request: object, context: object) -> object:  # noqa: N802
        """Stop, as Terraform asks."""
        del request, context
        return pb.StopProvider.Response()


def schema(described: dict[str, Any]) -> pb.Schema:
    """A schema, from the form that ``terraform providers schema -json`` has."""
    return pb.Schema(version=described.get("version", 0), block=block(described["block"]))


def block(described: dict[str, Any]) -> pb.Schema.Block:
    """A block with its attributes and the blocks in it."""
    return pb.Schema.Block(
        attributes=[
            pb.Schema.Attribute(
                name=name,
                type=json.dumps(attribute["type"]).encode(),
                required=attribute.get("required", False),
                optional=attribute.get("optional", False),
                computed=attribute.get("computed", False),
            )
            for name, attribute in described.get("attributes", {}).items()
        ],
        block_types=[
            pb.Schema.NestedBlock(
                type_name=name,
                nesting=NESTING[nested["nesting_mode"]],
                min_items=nested.get("min_items", 0),
                max_items=nested.get("max_items", 0),
                block=block(nested["block"]),
            )
            for name, nested in described.get("block_types", {}).items()
        ],
    )


if __name__ == "__main__":
    (name,) = json.loads(Path(sys.argv[1]).read_text("utf-8"))["provider_schemas"]
    # The framework starts the server, and would answer from a provider written with it.
    tf.provider.ProviderServicer = Standin
    run_provider(cast("Provider", SimpleNamespace(full_name=lambda: name)))
