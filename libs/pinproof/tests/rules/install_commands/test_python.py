import pytest
from install_helpers import unpinned_installs

# a program, with the names of what it installs unchecked
REFUSED = [
    ("subprocess.run(['pip', 'install', 'numpy'])", ["numpy"]),
    ("subprocess.check_call([sys.executable, '-m', 'pip', 'install', 'numpy'])", ["numpy"]),
    ("Popen(('uv', 'pip', 'install', f'numpy=={version}'))", ["numpy"]),
    ("subprocess.run(['pip', 'install', package])", [None]),
    ("subprocess.run(['pip', 'install', *packages])", [None]),
    ("subprocess.run(['pip', 'install', *['a', 'b']])", ["a", "b"]),
    ("subprocess.run('pip install numpy', shell=True)", ["numpy"]),
    ("subprocess.run(f'pip install {x}', shell=True)", [None]),
    ("os.system('pip install ' + x)", [None]),
    ("os.popen('pip install numpy')", ["numpy"]),
    ("subprocess.run(['bash', '-c', 'pip install numpy'])", ["numpy"]),
    ("subprocess.run(shlex.split('pip install numpy'))", ["numpy"]),
    ("subprocess.run('pip install numpy'.split())", ["numpy"]),
    ("os.execvp('pip', ['pip', 'install', 'numpy'])", ["numpy"]),
    ("await asyncio.create_subprocess_exec('pip', 'install', 'numpy')", ["numpy"]),
    ("COMMAND = ['pip', 'install', 'numpy']\nrun(COMMAND)", ["numpy"]),
    ("NAME = 'numpy'\nrun(['pip', 'install', NAME])", ["numpy"]),
    ("def f(name='a'): run(['pip', 'install', name])", [None]),
    ("_uv('pip', 'install', '--python', python, '--override', str(changes))", [None]),
    ("pip.main(['install', 'numpy'])", ["numpy"]),
    ("pip._internal.cli.main.main(['install', 'numpy'])", ["numpy"]),
    ("run(['uvx', 'ruff'])", ["ruff"]),
]
ALLOWED = [
    "subprocess.run(['pip', 'install', '-r', 'requirements.txt'])",
    "run([UV, 'pip', 'install', '-r', str(ROOT / 'service' / 'requirements-prod.txt')])",
    "run([UV, 'pip', 'install', '-e', str(ROOT / 'libs' / 'tool')])",
    "FILE = 'requirements.txt'\nrun(['pip', 'install', '-r', FILE])",
    "print('pip install numpy')",
    "names = ['pip', 'setuptools']; verbs = ('install', 'sync'); f('uvx', words)",
    "'pip install numpy, or better not'.split(',')",
    "Word('pip', function)",
]


@pytest.mark.parametrize(("text", "names"), REFUSED)
def test_what_no_checked_file_names_is_refused(text: str, names: list[str | None]) -> None:
    assert [found.distribution for found in unpinned_installs("x.py", text)] == names


@pytest.mark.parametrize("text", ALLOWED)
def test_what_a_checked_file_names_is_allowed(text: str) -> None:
    assert [found.message for found in unpinned_installs("x.py", text)] == []


def test_a_line_that_cannot_be_parsed_is_reported_if_it_calls_an_installer() -> None:
    (found,) = unpinned_installs("x.py", "x = 1\nrun: pip install numpy !\n")

    assert (found.line, found.distribution) == (2, None)
    assert found.message.startswith("pip install run: pip install numpy ! cannot be checked")
    assert unpinned_installs("x.py", "no: program !\n# pip install numpy") == []


@pytest.mark.parametrize(
    "text",
    [
        "subprocess.run(\n    [\n        'pip',\n        'install',\n        'numpy',\n    ],\n)",
        "subprocess.run(\n    shlex.split(\n        'pip install numpy'\n    )\n)",
        "subprocess.run([\n    'bash',\n    '-c',\n    'pip install numpy',\n])",
        "WORDS = [\n    'pip',\n    'install',\n    'numpy',\n]\nsubprocess.run(\n    WORDS\n)",
        "words = shlex.split(\n    'pip install numpy'\n)\nsubprocess.run(words)",
        "os.system(\n    'pip install {}'.format(\n        'numpy'\n    )\n)",
    ],
)
def test_a_call_over_several_lines_is_reported_once(text: str) -> None:
    assert [found.distribution for found in unpinned_installs("x.py", text)] == ["numpy"]


@pytest.mark.parametrize(
    "program",
    [
        "a = f(b)\nb = g(a)\n",
        "a = [*b]\nb = a + ['numpy']\n",
        "a = b.strip()\nb = '{}'.format(a)\n",
        "d['k'] = d['k'] + ['numpy']\na = b = d['k']\n",
        "self.a = self.a.b\na = self.a\nb = a\n",
        "a, b = a, b\n",
        "a = ['x']\na += b\nb = a\n",
        "a = []\na.append(a)\nb = a\n",
        "a = a\nb = a\n",
    ],
)
def test_values_that_lead_back_to_themselves_are_unknown(program: str) -> None:
    found = unpinned_installs("x.py", program + "run(['pip', 'install', *a, b])\n")

    assert found, "what it installs cannot be known"
