# The tests of the deployment, in one environment.

##@ test

deploy/.venv/.installed: deploy/requirements-check.txt .tools/python $(UV)
	@echo "Setting up deploy/.venv"
	@$(UV) venv --quiet --clear --python "$(PYTHON)" deploy/.venv
	@$(UV) pip install --quiet --python deploy/.venv/bin/python -r $<
	@touch $@

# Debian's packages with the programs of these tests. Without its program, a test is skipped, or fails
# where CI is set. kubectl and Terraform are not in Debian.
DEPLOY_TOOLS := buildah catatonit docker-registry podman prometheus prometheus-alertmanager runc skopeo
SUDO ?= $(if $(filter 0,$(shell id -u)),,sudo)
.PHONY: tools-env-deploy
tools-env-deploy: ## Install the programs of the tests of the deployment, with apt-get and sudo
	@dpkg --status $(DEPLOY_TOOLS) >/dev/null 2>&1 || { \
		$(SUDO) apt-get update --quiet; \
		$(SUDO) apt-get install --yes --quiet --no-install-recommends $(DEPLOY_TOOLS); }

# Tests of what only one service deploys are in its folder.
SERVICE_DEPLOY_TESTS := $(wildcard $(SERVICES:%=%/deploy/tests))
DEPLOY_MYPY = $(TOOLS)/mypy --cache-dir deploy/.mypy_cache --python-executable deploy/.venv/bin/python
DEPLOY_PYTEST := -c deploy/pyproject.toml --rootdir deploy

.PHONY: test-deploy check-types-in-deploy clean-deploy
test-deploy: deploy/.venv/.installed ## Test the deployment: manifests, infrastructure, workflows, monitoring
	deploy/.venv/bin/python -m pytest $(DEPLOY_PYTEST) $(SERVICE_DEPLOY_TESTS) deploy

test-suites: test-deploy

check-types-in-deploy: deploy/.venv/.installed .tools/check/.installed
	MYPYPATH=tools $(DEPLOY_MYPY) deploy
	@for tests in $(SERVICE_DEPLOY_TESTS); do \
		MYPYPATH=tools:deploy/images:deploy/kubernetes:deploy/local:deploy/tests $(DEPLOY_MYPY) "$$tests"; done

check-types: check-types-in-deploy

clean-deploy:
	rm -rf deploy/.venv deploy/.mypy_cache deploy/.pytest_cache

clean: clean-deploy
