# Run the services on this machine, from their environments, without Kubernetes.

##@ use

LOCAL := "$(PYTHON)" deploy/local/services.py

.PHONY: up down
up: $(SERVICES:%=%/.venv/.installed) ## Start the services that are not running; trains missing models on sample data
	@$(LOCAL) up $(SERVICES)

down: ## Stop the services that make up started
	@$(LOCAL) down

# Stops the services before their environments and records are removed.
clean: down
