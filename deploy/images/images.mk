# Images: build, archive, test. Needs buildah and podman, and for a stand-in base runc and mmdebstrap:
# apt-get install --no-install-recommends buildah podman runc mmdebstrap

##@ ship

# Prefix and tag of images on this machine; push-% gives those of a registry.
IMAGE_PREFIX := localhost
IMAGE_TAG := dev
# More options for `buildah build`, such as --isolation chroot without user namespaces.
BUILD_FLAGS ?=
# yes: build over a base made from Debian's packages, for machines without a registry.
STANDIN ?=

SOURCE ?=
REVISION = $(shell git rev-parse HEAD 2>/dev/null)$(shell git diff --quiet HEAD 2>/dev/null || echo -dirty)
# The time of the commit, so that the same sources give the same image.
CREATED = $(shell git log -1 --format=%cI 2>/dev/null)
# For each service, also the image of its reports.
IMAGE_TARGETS := $(SERVICES) $(SERVICES:%=%-watch)
image_name = $(shell echo $(1) | tr '[:upper:]' '[:lower:]')

ifeq ($(STANDIN),yes)
STANDIN_BASE := localhost/standin/python:3.11-slim-bookworm
STANDIN_FLAGS := --isolation chroot --pull-never --build-arg BASE=$(STANDIN_BASE) \
	$(if $(SSL_CERT_FILE),--volume $(SSL_CERT_FILE):/etc/ssl/certs/ca-certificates.crt:ro)
export CONTAINERS_CONF ?= $(CURDIR)/deploy/images/containers.conf
else
STANDIN_BASE :=
STANDIN_FLAGS :=
endif

.PHONY: build-all $(IMAGE_TARGETS:%=build-%)
build-all: $(IMAGE_TARGETS:%=build-%) ## Build the image of every service

$(IMAGE_TARGETS:%=build-%): build-%: image-tools $(if $(STANDIN_BASE),standin-base) ## Build one service's image [STANDIN=yes] [BUILD_FLAGS=...]
	lines="$$("$(PYTHON)" deploy/images/build_arguments.py $*)"; readarray -t arguments <<< "$$lines"; \
	buildah build $(STANDIN_FLAGS) $(BUILD_FLAGS) --file deploy/images/Dockerfile "$${arguments[@]}" \
		--build-arg "REVISION=$(REVISION)" --build-arg "CREATED=$(CREATED)" --build-arg "SOURCE=$(SOURCE)" \
		--tag $(IMAGE_PREFIX)/$(call image_name,$*):$(IMAGE_TAG) .

.PHONY: image-tools standin-base
image-tools:
	@for tool in buildah podman $(if $(STANDIN_BASE),runc mmdebstrap); do command -v $$tool >/dev/null || { \
		echo "make: images need $$tool: apt-get install --no-install-recommends buildah podman runc mmdebstrap" >&2; exit 1; }; done

standin-base: image-tools
	@buildah inspect --type image $(STANDIN_BASE) >/dev/null 2>&1 || deploy/images/standin.sh $(STANDIN_BASE)

.PHONY: sbom $(IMAGE_TARGETS:%=sbom-%) $(IMAGE_TARGETS:%=archive-%)
sbom: $(IMAGE_TARGETS:%=sbom-%) ## Copy the bill of materials out of every image; writes reports/images

$(IMAGE_TARGETS:%=sbom-%): sbom-%: image-tools ## Copy the bill of materials out of one image
	@mkdir -p reports/images
	podman run --rm --network none --entrypoint python $(IMAGE_PREFIX)/$(call image_name,$*):$(IMAGE_TAG) \
		-c 'print(open("/opt/venv/sbom.cdx.json").read(), end="")' > reports/images/$(call image_name,$*).cdx.json

$(IMAGE_TARGETS:%=archive-%): archive-%: build-% sbom-% ## Build one image; write it and its bill of materials to reports/images
	rm -f reports/images/$(call image_name,$*).tar
	buildah push $(IMAGE_PREFIX)/$(call image_name,$*):$(IMAGE_TAG) \
		oci-archive:reports/images/$(call image_name,$*).tar:$(IMAGE_PREFIX)/$(call image_name,$*):$(IMAGE_TAG)

.PHONY: test-images measure-images
##@ test
test-images: build-all deploy/.venv/.installed ## Build every image, and test it with the restrictions of its pod [STANDIN=yes]
	IMAGES="$(SERVICES)" STANDIN_BASE="$(STANDIN_BASE)" deploy/.venv/bin/python -m pytest deploy/tests/images -m "images or not images"

##@ measure
measure-images: build-all deploy/.venv/.installed ## Measure the images' sizes and times to readiness STANDIN=yes; writes results/image.json of each service
	$(if $(STANDIN_BASE),,$(error the limits are for the stand-in base: run make $@ STANDIN=yes))
	PYTHONPATH=deploy/tests:tools deploy/.venv/bin/python deploy/images/measure.py $(SERVICES) --base $(STANDIN_BASE)

.PHONY: check-images
check-images: .tools/check/.installed ## Check the Dockerfile
	$(TOOLS)/hadolint --config deploy/images/hadolint.yaml deploy/images/Dockerfile

CHECKS += check-images
