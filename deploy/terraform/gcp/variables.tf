variable "name" {
  description = "The name of the system; begins the name of everything that is created."
  type        = string
  default     = "pinned-ml"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "The name has 3 to 20 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "project_id" {
  description = "The project that everything is created in, and that nothing else should be in."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "region" {
  description = "The region, such as europe-west3."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region reads like europe-west3; a zone has one more letter and is none."
  }
}

variable "cidrs" {
  description = "The private addresses of nodes, pods and services."
  type = object({
    nodes    = optional(string, "10.40.0.0/20")
    pods     = optional(string, "10.44.0.0/14")
    services = optional(string, "10.48.0.0/20")
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for cidr in values(var.cidrs) : can(cidrhost(cidr, 0))])
    error_message = "Each is a CIDR block, such as 10.40.0.0/20."
  }
}

variable "release_channel" {
  description = "How soon GKE upgrades the cluster."
  type        = string
  default     = "REGULAR"

  validation {
    condition     = contains(["STABLE", "REGULAR", "RAPID"], var.release_channel)
    error_message = "A release channel is STABLE, REGULAR or RAPID."
  }
}

variable "domain" {
  description = "Each service answers at its own name under it, such as bankchurn.ml.example.org under ml.example.org."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "A domain reads like ml.example.org, without a wildcard."
  }
}

variable "namespace" {
  description = "The namespace of the services, as the overlay has it."
  type        = string
  default     = "ml-services"
}

variable "model_readers" {
  description = "The Kubernetes service accounts that read models."
  type        = set(string)
  default     = ["bankchurn", "nlpinsight", "chicagotaxi", "chicagotaxi-pipeline"]
}

variable "model_writers" {
  description = "The Kubernetes service accounts of jobs that train: they read, and add what is not there yet."
  type        = set(string)
  default     = ["trainer"]

  validation {
    condition     = length(setintersection(var.model_readers, var.model_writers)) == 0
    error_message = "A service account reads or writes: what serves must not be able to write models."
  }
}

variable "github_repository" {
  description = "The repository whose workflows may push and deploy, as owner/name."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "A repository reads like owner/name."
  }
}

variable "github_environments" {
  description = "The GitHub environments whose jobs may push images, and whose jobs may deploy."
  type = object({
    release = optional(string, "release-gke")
    deploy  = optional(string, "gke")
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.github_environments.release != var.github_environments.deploy
    error_message = "Pushing and deploying are two identities, so they need two environments."
  }
}

variable "budget" {
  description = "The monthly amount to be warned about, in the billing account's currency. Its administrators are."
  type = object({
    billing_account = string
    amount          = number
    currency        = optional(string, "USD")
  })

  validation {
    condition     = can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.budget.billing_account))
    error_message = "A billing account reads like 012345-6789AB-CDEF01."
  }

  validation {
    condition     = var.budget.amount > 0 && floor(var.budget.amount) == var.budget.amount
    error_message = "A budget is a whole amount above zero."
  }
}

variable "deletion_protection" {
  description = "Whether the cluster and a bucket that holds models withstand `destroy`."
  type        = bool
  default     = true
}
