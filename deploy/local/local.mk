# The services on this machine, from their environments, without Kubernetes.

LOCAL := "$(PYTHON)" deploy/local/services.py

.PHONY: up down
up: $(SERVICES:%=%/.venv/.installed) ## Start the services that do not run; trains what has no model yet
	@$(LOCAL) up $(SERVICES)

down: ## Stop what `make up` started
	@$(LOCAL) down

# Before what they run from is removed, and what says that they run.
clean: down
