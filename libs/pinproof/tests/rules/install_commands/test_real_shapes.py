"""Small repositories in the shapes of real ones: nothing in them is a violation."""

from collections.abc import Callable, Mapping

import pytest

Violations = Callable[[Mapping[str, str | bytes]], list[str]]

ANSIBLE = {
    "requirements.txt": "ansible~=9.1.0\n",
    "ansible.cfg": "[defaults]\ninventory = hosts\n",
    "site.yml": "- hosts: all\n  roles: [web]\n",
    "roles/web/defaults/main.yml": "web_packages:\n  - curl\n  - python3-venv\nweb_name: pip\n",
    "roles/web/tasks/main.yml": (
        "- name: Install system packages with apt\n  apt:\n    name: '{{ web_packages }}'\n"
        "- name: Update pip\n  shell: pip --version\n"
        "- name: Install the checked requirements\n"
        "  command: '{{ web_venv }}/bin/pip install -r {{ web_home }}/requirements.txt'\n"
    ),
    "roles/web/templates/run.sh.j2": (
        "#!/bin/sh\n{% if debug %}\nset -x\n{% endif %}\n"
        "exec {{ web_venv }}/bin/python -m web --port {{ port }}\n"
    ),
}
KEDRO = {
    "pyproject.toml": '[project]\nname = "x"\ndependencies = ["kedro~=0.19.6"]\n',
    "conf/base/catalog.yml": "cars:\n  type: pandas.CSVDataset\n  filepath: data/cars.csv\n",
    "conf/base/parameters.yml": "install: true\nsplit:\n  run: 3\n",
    "src/x/pipeline.py": (
        "from kedro.pipeline import node, pipeline\n\n\n"
        "def create_pipeline(**kwargs):\n"
        "    return pipeline([node(func=add, inputs=['pip', 'install'], outputs='run')])\n"
    ),
    "src/x/__main__.py": (
        "def main(*args):\n    run(*args)\n\n\nif __name__ == '__main__':\n    main()\n"
    ),
}
NOTEBOOKS = {
    "requirements.txt": "numpy~=1.26.4\n",
    "README.md": "Run `pip install numpy` first.\n",
    "explore.ipynb": (
        '{"cells": [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": 1,\n'
        '"source": ["%pip install -r requirements.txt\\n", "import numpy as np"]}],\n'
        '"metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n'
    ),
    "train.py": (
        "import logging\n\ntry:\n    import torch\nexcept ImportError as error:\n"
        "    raise ImportError('pip install torch to train') from error\n"
        "logging.warning('pip install xgboost for the faster model')\n"
    ),
    "setup.sh": (
        "#!/usr/bin/env bash\nset -euo pipefail\nif ! command -v pip >/dev/null; then\n"
        "  echo 'pip install is not possible: install pip first' >&2\n  exit 1\nfi\n"
        'cd "$(dirname "$0")"\npython -m venv .venv\n.venv/bin/pip install -q -r requirements.txt\n'
    ),
}
HELM = {
    "charts/x/Chart.yaml": "apiVersion: v2\nname: x\nversion: 0.1.0\n",
    "charts/x/values.yaml": "image:\n  repository: x\n  tag: ''\ncommand: [run]\n",
    "charts/x/templates/deployment.yaml": (
        'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ include "x.name" . }}\n'
        "spec:\n  template:\n    spec:\n      containers:\n        - name: x\n"
        '          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"\n'
        "          args:\n            {{- toYaml .Values.args | nindent 12 }}\n"
    ),
    "Makefile": "lint:\n\thelm lint charts/x\ninstall: lint\n\thelm upgrade --install x charts/x\n",
}
WORKFLOWS = {
    "requirements-dev.txt": "pytest~=8.2.0\n",
    ".github/workflows/ci.yml": (
        "name: pip install\non: [push]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n"
        "      - uses: actions/setup-python@v5\n        with:\n          cache: pip\n"
        "      - name: pip install of the development requirements\n"
        "        run: |\n          python -m pip install -r requirements-dev.txt\n"
        "          pytest ${{ matrix.arguments }}\n"
        "      - run: sudo apt-get update && sudo apt-get install -y graphviz python3-dev\n"
    ),
    ".github/dependabot.yml": (
        "version: 2\nupdates:\n  - package-ecosystem: pip\n    directory: /\n"
    ),
    "action.yml": (
        "name: x\nruns:\n  using: composite\n  steps:\n    - run: ./x.sh\n      shell: bash\n"
    ),
}
POETRY = {
    "pyproject.toml": (
        '[build-system]\nrequires = ["poetry-core~=2.1.1"]\n'
        'build-backend = "poetry.core.masonry.api"\n\n'
        '[project]\nname = "x"\nversion = "1"\ndependencies = ["attrs~=24.2.0"]\n'
    ),
    "Makefile": "install:\n\tpoetry install --with dev\ntest: install\n\tpoetry run pytest\n",
    "Dockerfile": (
        "FROM python:3.12\nWORKDIR /app\nCOPY pyproject.toml poetry.lock ./\n"
        "RUN poetry config virtualenvs.create false \\\n"
        "    && poetry install --no-interaction --no-root --only main\n"
        'CMD ["poetry", "run", "x"]\n'
    ),
    "x/__init__.py": '"""Install it: pip install x."""\n',
}
CONDA = {
    "requirements.txt": "numpy~=1.26.4\n",
    "environment.yml": (
        "name: study\nchannels: [conda-forge]\n"
        "dependencies:\n  - r-base\n  - pip:\n    - -r requirements.txt\n"
    ),
    "run.sh": (
        "#!/bin/bash -l\n#SBATCH --time=1:00:00\n#SBATCH --job-name=conda\nmodule load conda\n"
        "conda activate study\nconda install -y -c conda-forge r-ggplot2 samtools\n"
        "Rscript -e 'install.packages(\"dplyr\")'\npython study.py --install no\n"
    ),
    "study.R": 'install.packages("dplyr")\nlibrary(dplyr)\n',
}
TERRAFORM = {
    "requirements.txt": "boto3~=1.34.0\n",
    "main.tf": (
        'resource "hcloud_server" "x" {\n  image = "x"\n  user_data = <<-EOF\n    #!/bin/bash\n'
        "    apt-get update\n    apt-get install -y nginx python3-venv\n"
        '    EOF\n  tags = { Name = "pip" }\n}\n'
    ),
    "lambda/handler.py": (
        "import boto3\n\n\ndef handler(event, context):\n    return event['install']\n"
    ),
    "build.sh": (
        "#!/bin/sh\nset -e\npip install -q -t package -r requirements.txt\nzip -r x.zip package\n"
    ),
}
MONOREPO = {
    "package.json": (
        '{"name": "x", "scripts": {"install": "node install.js", "build": "yarn add --dev react",\n'
        '"python": "pip install -r api/requirements.txt"}, "dependencies": {"uv": "^1.0.0"}}\n'
    ),
    "api/requirements.txt": "fastapi~=0.115.12\n",
    "api/Dockerfile": (
        "FROM python:3.12-slim AS build\nCOPY requirements.txt .\n"
        "RUN pip wheel --no-cache-dir -w /wheels -r requirements.txt\n"
        "FROM python:3.12-slim\nCOPY --from=build /wheels /wheels\nCOPY requirements.txt .\n"
        "RUN pip install --no-cache-dir --no-index --find-links=/wheels -r requirements.txt\n"
        'CMD ["uvicorn", "api:app"]\n'
    ),
    "docker-compose.yml": (
        "services:\n  api:\n    build: api\n    command: uvicorn api:app --reload\n"
    ),
    "web/Makefile": "all:\n\tnpm install && npm run build\n",
}
PYTHON_2 = {
    "old/report.py": (
        "#!/usr/bin/env python\nimport os, sys\nprint 'install %s' % sys.argv[1]\n"
        "try:\n    os.chmod('x', 0755)\nexcept OSError, e:\n    print >>sys.stderr, `e`\n"
    ),
    "old/tool.py": "exec 'x = 1'\nprint 'run: pip install numpy'\nraise ValueError, 'install uv'\n",
    "old/run": "#!/usr/bin/python2\nprint 'apt install'\n",
}
NEW_PYTHON = {
    "requirements.txt": "attrs~=24.2.0\n",
    "x.py": (
        "type Name = str\n\n\ndef f[T](x: T) -> str:\n"
        '    return f"{x["install"]} {"pip" + "x"}"\n\n\n'
        'run(f"pip install -r {FOLDER["a"]}/requirements.txt")\nt = t"pip install {x}"\n'
    ),
    "noxfile.py": (
        "import nox\n\n\n@nox.session\ndef tests(session):\n"
        "    session.install('-r', 'requirements.txt')\n    session.install('.')\n"
        "    session.run('pytest', *session.posargs)\n"
    ),
    "pyproject.toml": '[project]\nname = "x"\ndependencies = ["attrs~=24.2.0"]\n',
}
PLATFORM = {
    "requirements.txt": "kfp~=2.7.0\n",
    "pipeline.py": (
        "from kfp import dsl\n\nREQUIREMENTS = 'requirements.txt'\n"
        "VERBS = ('pip', 'install', 'x')\n\n\n"
        "@dsl.component(base_image='x', packages_to_install=[])\ndef train(pip: bool = True):\n"
        "    mlflow.log_model(m, 'm', pip_requirements=REQUIREMENTS)\n"
    ),
    "tests/test_cli.py": (
        "def test_help(runner):\n    result = runner.invoke(app, ['install', '--help'])\n"
        "    assert 'pip install x' in result.output\n"
        "    assert result.args == ['pip', 'install', 'x']\n"
    ),
    "deploy.sh": (
        "#!/bin/sh\nusage() {\n  cat <<EOF\nusage: deploy.sh\n  pip install x\nEOF\n}\n"
        "log_info 'pip install x is not needed'\nfor package in curl git; do\n"
        '  apt-get install -y "$package"\ndone\n'
    ),
}
SHAPES = {
    "ansible": ANSIBLE,
    "kedro": KEDRO,
    "notebooks": NOTEBOOKS,
    "helm": HELM,
    "workflows": WORKFLOWS,
    "poetry": POETRY,
    "conda": CONDA,
    "terraform": TERRAFORM,
    "monorepo": MONOREPO,
    "python 2": PYTHON_2,
    "new python": NEW_PYTHON,
    "platform": PLATFORM,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_repository_of_this_shape_has_no_violation(shape: str, violations: Violations) -> None:
    assert violations(SHAPES[shape]) == []
