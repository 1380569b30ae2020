# The tests of the deployment share one environment.

deploy/.venv/.installed: deploy/requirements-check.txt .tools/python $(UV)
	@echo "Setting up deploy/.venv"
	@$(UV) venv --quiet --clear --python "$(PYTHON)" deploy/.venv
	@$(UV) pip install --quiet --python deploy/.venv/bin/python -r $<
	@touch $@

.PHONY: test-deploy check-types-in-deploy clean-deploy
test-deploy: deploy/.venv/.installed ## Test what is deployed: manifests, infrastructure, workflows, monitoring
	deploy/.venv/bin/python -m pytest deploy

test-all: test-deploy

check-types-in-deploy: deploy/.venv/.installed .tools/check/.installed
	$(TOOLS)/mypy --cache-dir deploy/.mypy_cache --python-executable deploy/.venv/bin/python deploy

check-types: check-types-in-deploy

clean-deploy:
	rm -rf deploy/.venv deploy/.mypy_cache deploy/.pytest_cache

clean: clean-deploy
