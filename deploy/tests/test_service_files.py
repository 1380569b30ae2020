"""The reader of service files, on folders that are made up."""

from pathlib import Path

import pytest
from service_files import ServiceFileError, read_service, services

REQUEST = '[[demo.requests]]\ntitle = "One"\nmethod = "GET"\npath = "/"\nshow = []\n'
NOT_DEBIAN = "name Debian packages other than Python's, whose versions requirements files pin"
HEAD = 'package = "orders"\nport = 9001\nanswers = "the orders of tomorrow"\n'


def lay(root: Path, text: str = HEAD + REQUEST, name: str = "Orders-Service") -> Path:
    folder = root / name
    folder.mkdir()
    (folder / "service.toml").write_text(text, encoding="utf-8")
    return folder


def test_each_folder_with_a_service_file_is_a_service_in_the_order_of_the_names(
    tmp_path: Path,
) -> None:
    other = HEAD.replace("orders", "trips").replace("9001", "9002")
    lay(tmp_path, other + REQUEST, "Trips-Service")
    lay(tmp_path)
    (tmp_path / "libs").mkdir()

    found = services(tmp_path)

    assert [(one.name, one.package, one.port, one.image_name) for one in found] == [
        ("Orders-Service", "orders", 9001, "orders-service"),
        ("Trips-Service", "trips", 9002, "trips-service"),
    ]
    assert found[0].folder == tmp_path / "Orders-Service"
    assert found[0].demo["requests"][0]["title"] == "One"
    assert found[0].proof == found[0].image == found[0].measurements == {}


def test_every_service_of_this_repository_can_be_read() -> None:
    root = Path(__file__).resolve().parents[2]

    assert [one.name for one in services(root)] == sorted(
        file.parent.name for file in root.glob("*/service.toml")
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD, "demo is missing; add it"),
        (HEAD + "[demo]", "demo.requests is missing; add it"),
        (HEAD.replace("port = 9001\n", "") + REQUEST, "port is missing; add it"),
        (HEAD.replace("9001", '"9001"') + REQUEST, "port is '9001', which is not a number"),
        (HEAD.replace("9001", "true") + REQUEST, "port is True, which is not a number"),
        ('image = "slim"\n' + HEAD + REQUEST, "image is 'slim', which is not a table"),
        (
            HEAD + REQUEST + '[image]\npackages = "libgomp1"',
            "image.packages is 'libgomp1', which is not a list",
        ),
        (
            HEAD + REQUEST + '[image]\npackage = ["libgomp1"]',
            "image.package is unknown; known fields: image.packages, image.megabytes",
        ),
        *(
            (
                HEAD + REQUEST + f'[image]\npackages = ["{package}"]',
                f"image.packages has '{package}'; {NOT_DEBIAN}",
            )
            for package in ("python3-numpy", "pip", "--allow-downgrades", "libgomp1=12", "a b")
        ),
        (HEAD + REQUEST.replace("path", "route"), "demo.requests.0.path is missing; add it"),
        (HEAD + "[demo]\nrequests = [1]", "demo.requests.0.title is missing; add it"),
        ("package = orders", "cannot be read: Invalid value (at line 1, column 11)"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name_and_the_field(
    text: str, message: str, tmp_path: Path
) -> None:
    folder = lay(tmp_path, text)

    with pytest.raises(ServiceFileError) as caught:
        read_service(folder)

    separator = " " if message.startswith("cannot") else ": "
    assert str(caught.value) == f"{folder / 'service.toml'}{separator}{message}"


@pytest.mark.parametrize("field", ["package", "port"])
def test_two_services_with_the_same_package_or_port_are_refused(field: str, tmp_path: Path) -> None:
    other = HEAD.replace("orders", "trips") if field == "port" else HEAD.replace("9001", "9002")
    lay(tmp_path)
    lay(tmp_path, other + REQUEST, "Trips-Service")

    with pytest.raises(ServiceFileError) as caught:
        services(tmp_path)

    value = {"package": "'orders'", "port": "9001"}[field]
    assert str(caught.value) == (
        f"Trips-Service/service.toml: {field} is {value}, as in Orders-Service/service.toml;"
        " choose another one"
    )
