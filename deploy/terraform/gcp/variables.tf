variable "name" {
  description = "Name of the system; prefix of the names of all resources."
  type        = string
  default     = "pinned-ml"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "The name has 3 to 20 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "project_id" {
  description = "Project of all resources; it should have no others."
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
    error_message = "A region is like europe-west3; a zone has one more letter."
  }
}

variable "cidrs" {
  description = "Private addresses of nodes, pods and services."
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
  description = "Release channel: how soon GKE upgrades the cluster."
  type        = string
  default     = "REGULAR"

  validation {
    condition     = contains(["STABLE", "REGULAR", "RAPID"], var.release_channel)
    error_message = "A release channel is STABLE, REGULAR or RAPID."
  }
}

variable "domain" {
  description = "Domain of the services, such as ml.example.org for SERVICE.ml.example.org."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "A domain reads like ml.example.org, without a wildcard."
  }
}

variable "namespace" {
  description = "Namespace of the services, as in the overlay."
  type        = string
  default     = "ml-services"
}

variable "model_readers" {
  description = "Kubernetes service accounts that read models; those of ../services.json by default."
  type        = set(string)
  default     = null
}

variable "model_writers" {
  description = "Kubernetes service accounts of training jobs, which read models and add new ones."
  type        = set(string)
  default     = ["trainer"]

  validation {
    condition     = length(setintersection(local.model_readers, var.model_writers)) == 0
    error_message = "A service account reads or writes: what serves must not be able to write models."
  }
}

variable "prediction_log_bucket" {
  description = "Name of an existing bucket for prediction logs, which model_readers may write; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.prediction_log_bucket != module.models.bucket
    error_message = "The bucket of the models is no place for logs: what serves must not be able to write models."
  }
}

variable "github_repository" {
  description = "GitHub repository whose workflows may push and deploy, as owner/name."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "A repository reads like owner/name."
  }
}

variable "github_environments" {
  description = "GitHub environments whose jobs may push images, and those whose jobs may deploy."
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
  description = "Monthly amount for a warning to the administrators, in the currency of the billing account."
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
  description = "Whether `destroy` keeps the cluster and a bucket with models."
  type        = bool
  default     = true
}
