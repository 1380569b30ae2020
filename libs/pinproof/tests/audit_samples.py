"""A small index, with the releases and requirements that matter of projects that exist."""

from servers import Release, Releases, released

FASTAPI = "starlette<0.47.0,>=0.40.0"

PROJECTS: Releases = {
    "fastapi": {
        "0.115.0": Release(["starlette<0.39.0,>=0.37.2", "typing-extensions>=4.8.0"]),
        "0.115.12": Release([FASTAPI, "typing-extensions>=4.8.0"]),
        "0.115.14": Release([FASTAPI, "typing-extensions>=4.8.0"]),
        "0.116.1": Release(["starlette<0.48.0,>=0.40.0"]),
        "0.121.0": Release(["starlette<0.50.0,>=0.40.0"]),
    },
    "starlette": released(
        "0.38.6", "0.40.0", "0.46.0", "0.46.2", "0.47.2", "0.48.0", "0.49.1", "1.0.0rc1"
    ),
    "typing-extensions": released("4.8.0", "4.15.0"),
    "django": released("4.2.17", "4.2.18", "5.0.10", "5.0.11", "5.1.3", "5.1.4", "5.1.5"),
    "py": released("1.10.0", "1.11.0"),
    "jinja2": released("2.4.1", "2.10", "2.10.1", "3.1.6"),
    "numpy": {
        "1.26.3": Release(),
        "1.26.4": Release(),
        "1.26.5": Release(yanked=True),
        "2.3.5": Release(python=">=3.11"),
        "2.4.0": Release(python=">=3.12"),
        "3.0.0rc1": Release(),
    },
}

STARLETTE = ["GHSA-2c2j-9gv5-cj73", "GHSA-7f5h-v6xp-fcq8"]
DJANGO = "GHSA-qcgg-j2x8-h9g8"
PY = "PYSEC-2022-42969"
JINJA = ["GHSA-462w-v97r-4m45", "PYSEC-2019-217"]

IDENTIFIERS = [*STARLETTE, DJANGO, PY, *JINJA]
AFFECTING = {
    "starlette 0.38.6": STARLETTE[:1],
    **{f"starlette {version}": STARLETTE for version in ["0.40.0", "0.46.0", "0.46.2"]},
    **{f"starlette {version}": STARLETTE[1:] for version in ["0.47.2", "0.48.0"]},
    **{f"django {version}": [DJANGO] for version in ["4.2.17", "5.0.10", "5.1.3", "5.1.4"]},
    **{f"py {version}": [PY] for version in ["1.10.0", "1.11.0"]},
    **{f"jinja2 {version}": JINJA for version in ["2.4.1", "2.10"]},
}
