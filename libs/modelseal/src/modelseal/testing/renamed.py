"""A model of another name."""

from pathlib import Path

from modelseal.manifest import MANIFEST_NAME, encode_manifest, read_manifest

__all__ = ["renamed_model"]


def renamed_model(model: Path, folder: Path, *, name: str) -> Path:
    """Write the manifest of a sealed model with another name, and a seal that fits.

    Args:
        model: Folder of the sealed model.
        folder: Folder to make. It gets the manifest only.
        name: The other name.

    Returns:
        The folder.
    """
    manifest, _ = read_manifest(model)
    folder.mkdir()
    renamed = encode_manifest(manifest.model_copy(update={"name": name}))
    (folder / MANIFEST_NAME).write_bytes(renamed)
    return folder
